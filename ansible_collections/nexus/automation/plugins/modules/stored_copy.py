#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copy a file to many machines through an object store."""

from __future__ import annotations

DOCUMENTATION = """
module: stored_copy
short_description: Copy a file to many machines through an object store
version_added: 0.1.0
description:
  - Puts a file of the control node in a store of a cloud, once for all hosts, and has each host fetch it from there.
    What leaves the control node is one file, however many hosts there are.
  - The object is called C(<prefix>artefacts/<sha256>/<name>), so that one which is there already is not sent again.
  - Hosts fetch it by an address that is void after 15 minutes, need no rights in the store, and compare its digest.
  - Objects stay in the store. Whatever removes old ones does no harm, for one that is missing is sent again.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  src:
    description: The file on the control node.
    type: path
    required: true
  dest:
    description: The file on the host; when it ends with a slash, the directory of a file that is called as it is here.
    type: str
    required: true
  mode:
    description: Mode of the file, as an octal number.
    type: str
    default: "0600"
  directory_mode:
    description: Mode of the directory that the file is in, if it has to be made.
    type: str
    default: "0755"
  store:
    description: The store. Credentials are those of the cloud's usual chain, on the control node.
    type: dict
    required: true
    suboptions:
      cloud:
        description: Whose it is; S3 or Blob storage.
        type: str
        required: true
        choices: [aws, azure]
      bucket:
        description: The bucket of S3, without dots in its name.
        type: str
      region:
        description: The region of the bucket, else the one of the profile or of E(AWS_REGION).
        type: str
      profile:
        description: The profile of the AWS configuration to use, else the one that E(AWS_PROFILE) names.
        type: str
      account_url:
        description: Address of the storage account's blobs.
        type: str
      container:
        description: The container in it.
        type: str
      prefix:
        description: Names of all objects begin with it.
        type: str
        default: nexus-run-command/
requirements:
  - The Python package boto3, or azure-identity and azure-storage-blob, on the control node
  - A way from the host to the store by https
attributes:
  check_mode:
    description: Says what it would copy. A file that has not been built yet is taken as one that the host lacks.
    support: full
  diff_mode:
    description: Files are not shown.
    support: none
  idempotent:
    description: A file that is there with the same content and mode is left alone, and the store is not asked.
    support: full
seealso:
  - module: ansible.builtin.copy
  - module: nexus.automation.release
"""

EXAMPLES = """
- name: Bring the artefact of the backend
  nexus.automation.stored_copy:
    src: build/backend-1.4.0.tar.gz
    dest: /srv/nexus/releases/backend/
    store: {cloud: aws, bucket: example-artefacts, region: eu-central-1}
"""

RETURN = """
dest:
  description: The file on the host.
  returned: always
  type: str
  sample: /srv/nexus/releases/backend/backend-1.4.0.tar.gz
"""
