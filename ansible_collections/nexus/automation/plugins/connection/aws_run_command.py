# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: aws_run_command
short_description: Run tasks on AWS instances through the Run Command of Systems Manager
version_added: 0.1.0
author: nexus-ansible contributors
description:
  - Needs no way from the control node to the instance, and no key on it. Commands go through the Run Command of Systems
    Manager, files and everything that commands read and write through a bucket of S3.
  - Credentials are those of the usual AWS chain, E(AWS_PROFILE), the environment, or an instance profile.
extends_documentation_fragment:
  - nexus.automation.run_command
requirements:
  - The Python package boto3 on the control node
options:
  instance:
    description: Id of the instance, as Systems Manager knows it.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_aws_run_command_instance
  bucket:
    description: The bucket that carries files and output, in the region of the instance and without dots in its name.
    type: str
    required: true
    vars:
      - name: ansible_aws_run_command_bucket
  region:
    description: The region of the instance, else the one of the profile or of E(AWS_REGION).
    type: str
    vars:
      - name: ansible_aws_run_command_region
    env:
      - name: AWS_REGION
  profile:
    description: The profile of the AWS configuration to use, else the one that E(AWS_PROFILE) names.
    type: str
    vars:
      - name: ansible_aws_run_command_profile
seealso:
  - plugin: nexus.automation.azure_run_command
    plugin_type: connection
"""

EXAMPLES = r"""
# In the inventory:
all:
  hosts:
    web-1:
      ansible_connection: nexus.automation.aws_run_command
      ansible_aws_run_command_instance: i-0123456789abcdef0
      ansible_aws_run_command_bucket: example-run-command
      ansible_aws_run_command_region: eu-central-1
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.nexus.automation.plugins.plugin_utils.run_command.plugin import RunCommandConnection


class Connection(RunCommandConnection):
    """The connection `nexus.automation.aws_run_command`."""

    cloud = "aws"
    transport = "nexus.automation.aws_run_command"

    def _settings(self) -> Mapping[str, Any]:
        return {name: self.get_option(name) for name in ("instance", "bucket", "prefix", "region", "profile")}
