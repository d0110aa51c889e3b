#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a container image of a base and artefacts, the same bytes every time."""

from __future__ import annotations

DOCUMENTATION = """
module: container_image
short_description: Make a container image of a base and artefacts
version_added: 0.1.0
description:
  - Puts artefacts and files on top of a base image, without a Dockerfile, a builder or a container.
  - The same base, layers and settings give the same image with the same id, wherever and whenever it is made. So it is
    known beforehand whether an engine has the image, and nothing is sent to one that does.
  - Everything in the new layers is root's, with the time 0. Files have the modes 0755 and 0644 unless told otherwise.
  - The base's layers, platform and settings are taken over. Its times, history and author are not.
author:
  - nexus-ansible contributors (!UNKNOWN)
requirements:
  - the Python library docker, 7.1 or later, which the extra C(docker) of nexus-ansible brings
extends_documentation_fragment:
  - nexus.automation.docker_engine
options:
  name:
    description: The image's name, C([registry/]repository[:tag]). The tag is V(latest) by default.
    type: str
    required: true
  state:
    description:
      - V(present) makes the image when it is missing or another has its name, which that one loses then.
      - V(absent) takes the name from the image, which goes with its last name. With O(archive) it removes the file.
    type: str
    default: present
    choices: [absent, present]
  base:
    description: The image to build on. A name with a digest (C(debian@sha256:...)) always means the same.
    type: str
  pull:
    description: When to fetch the base from its registry.
    type: str
    default: missing
    choices: [always, missing, never]
  layers:
    description: What is put on top of the base, in this order. What changes least should come first.
    type: list
    elements: dict
    default: []
    suboptions:
      artefact:
        description:
          - An artefact, as RV(nexus.automation.artefact#module:path) tells it.
          - Members that would leave O(layers[].dest) are refused, and links that do.
        type: path
      sha256:
        description: The digest the artefact must have. The one in the file C(.sha256) beside it by default.
        type: str
      dest:
        description: The directory of the image that the artefact is unpacked in.
        type: str
      files:
        description: Files that are told here. Whoever has the image can read them, so they are no place for secrets.
        type: list
        elements: dict
        suboptions:
          path:
            description: Where the file is in the image.
            type: str
            required: true
          content:
            description: Its text.
            type: str
            required: true
          mode:
            description: Its mode, four octal digits in quotes.
            type: str
            default: "0644"
  env:
    description: Environment variables, added to the base's. Whoever has the image can read them.
    type: dict
  entrypoint:
    description: The program every container starts with, and its arguments. It makes the base's O(command) void.
    type: list
    elements: str
  command:
    description: The program, or the arguments of O(entrypoint). A container may be given another.
    type: list
    elements: str
  working_dir:
    description: The directory a container starts in.
    type: str
  user:
    description: Name or number of the user, with a colon also the group, that a container runs as.
    type: str
  labels:
    description:
      - Labels, added to the base's and to those that are known.
      - Known are C(org.opencontainers.image.base.name), C(org.opencontainers.image.base.digest) when O(base) has one,
        C(nexus.release), and of a single artefact C(org.opencontainers.image.title), C(version) and C(revision).
    type: dict
  healthcheck:
    description: How Docker learns whether a container is well. Kubernetes has its own probes and does not look at it.
    type: dict
    suboptions:
      test:
        description: V(CMD), the program and its arguments; or V(CMD-SHELL) and a line for the shell; or V(NONE).
        type: list
        elements: str
        required: true
      interval:
        description: Seconds between two checks.
        type: float
      timeout:
        description: Seconds that a check may take.
        type: float
      start_period:
        description: Seconds that a container has to start before failures count.
        type: float
      retries:
        description: How many failures in a row make a container unhealthy.
        type: int
  exposed_ports:
    description: Ports that a container listens on, each with V(/udp) or V(/sctp) unless it is TCP; added to the base's.
    type: list
    elements: str
  stop_signal:
    description: The signal that asks a container to end.
    type: str
  archive:
    description:
      - A file to write the image to instead of the engine, with all layers, as an OCI image layout that is also what
        C(docker save) writes. C(ctr images import), C(docker load) and C(podman load) take it.
      - A file C(.sha256) is written beside it. The base still comes from the engine.
    type: path
  push:
    description: Whether to bring the image to the registry in its name as well.
    type: bool
    default: false
  credentials:
    description: Who pushes. By default what C(docker login) left for the user who runs the module.
    type: dict
    suboptions:
      username:
        description: The user at the registry.
        type: str
        required: true
      password:
        description: The password or token.
        type: str
        required: true
attributes:
  check_mode:
    description:
      - Says whether it would make, write or push the image, without pulling the base.
      - When the base or an artefact is not there yet, it says that it would, and no id.
    support: full
  diff_mode:
    description: Shows the ids, layers and settings, not the files in the layers.
    support: full
  idempotent:
    description: An image with the same id under the same name is left alone; so is an intact file with that image.
    support: full
notes:
  - A Docker engine with storage of its own (overlay2 and others) is sent only the new layers. Docker with containerd's
    storage, and Podman, refuse archives without the base's layers, so they write the base out first. That takes as much
    room as the base, uncompressed, while the task runs.
  - Podman, which understands the same calls at its own socket, completes names without a registry in its own way. Give
    names with a registry there, V(localhost/backend:1.0) for what is in none.
  - With containerd's storage, C(docker images) shows the digest of the manifest instead of RV(id).
seealso:
  - module: nexus.automation.artefact
"""

EXAMPLES = """
- name: Make the image of the backend
  nexus.automation.container_image:
    name: registry.example.com/nexus/backend:{{ backend.version }}
    base: python:3.11-slim
    layers:
      - artefact: "{{ backend.path }}"
        sha256: "{{ backend.digest }}"
        dest: /srv/backend
      - files:
          - path: /etc/backend/settings.toml
            content: |
              listen = "0.0.0.0:8000"
    env:
      PYTHONPATH: /srv/backend
    command: [python3, -m, nexus_backend]
    user: "65534:65534"
    exposed_ports: ["8000"]
    healthcheck:
      test: [CMD, python3, -m, nexus_backend.health]
      interval: 5
    push: true

- name: Write it to a file for nodes that reach no registry
  nexus.automation.container_image:
    name: registry.example.com/nexus/backend:1.4.0
    base: python:3.11-slim
    layers:
      - artefact: "{{ backend.path }}"
        dest: /srv/backend
    archive: /srv/nexus/images/backend-1.4.0.tar
"""

RETURN = """
id:
  description: The image's id, the SHA-256 of its configuration; null in check mode when it cannot be known yet.
  returned: state is present
  type: str
  sample: sha256:4be7bda11a3cf4c1a0e9db6d2f1b4d2c8e4ab3f6c7f1d5a4e3b2c1d0f9e8a7b6
name:
  description: Its name, with the tag.
  returned: success
  type: str
  sample: registry.example.com/nexus/backend:1.4.0
base:
  description: The id of the base as the engine tells it; null when it is not there yet, in check mode.
  returned: state is present
  type: str
  sample: sha256:473c70e74c682deb5defecab5e25d9ed75fe140e7211e9d7ea7d364a3250235b
layers:
  description: Its layers, from the lowest.
  returned: state is present
  type: list
  elements: dict
  contains:
    digest:
      description: The SHA-256 of the uncompressed layer.
      type: str
    size:
      description: Bytes of the uncompressed layer; null for a layer of the base.
      type: int
    origin:
      description: What it was made of.
      type: str
  sample:
    - digest: sha256:6f45ada28092667a20e0cf97473c2979afbac346abe3c26e89404248f63e3f1d
      size: null
      origin: base
    - digest: sha256:08d4f1c3a1ba3ba9f41e0ee39c73b0dfcae2f22d5e3f5ac0d1bd5a6bc0e2b8e4
      size: 3152896
      origin: backend-1.4.0-4be7bda11a3c in /srv/backend
size:
  description: Bytes of the image as the engine counts them, or of the file; null when it is not there, in check mode.
  returned: state is present
  type: int
  sample: 167200012
digest:
  description: The hex SHA-256 of the file; null without O(archive), and when it would be written, in check mode.
  returned: state is present
  type: str
  sample: a7d0d3bd3ae208d4f1c3a1ba3ba9f41e0ee39c73b0dfcae2f22d5e3f5ac0d1bd
pushed:
  description: The name that means this image forever; null without O(push), and when it would be pushed, in check mode.
  returned: state is present
  type: str
  sample: registry.example.com/nexus/backend@sha256:9becc981b87caede3318bf77a9c1178bee5ad43543ce54d80b0c53e480a71d5e
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError
from ..module_utils.images.connection import CONNECTION_SPEC, connect_engine
from ..module_utils.images.presence import ensure_absent, ensure_no_file, ensure_present

FILE_SPEC: dict[str, Any] = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
}
LAYER_SPEC: dict[str, Any] = {
    "artefact": {"type": "path"},
    "sha256": {"type": "str"},
    "dest": {"type": "str"},
    "files": {"type": "list", "elements": "dict", "options": FILE_SPEC},
}
HEALTH_SPEC: dict[str, Any] = {
    "test": {"type": "list", "elements": "str", "required": True},
    "interval": {"type": "float"},
    "timeout": {"type": "float"},
    "start_period": {"type": "float"},
    "retries": {"type": "int"},
}
CREDENTIALS_SPEC: dict[str, Any] = {
    "username": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
}
ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
    "base": {"type": "str"},
    "pull": {"type": "str", "default": "missing", "choices": ["always", "missing", "never"]},
    "layers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": LAYER_SPEC,
        "mutually_exclusive": [("artefact", "files"), ("files", "dest"), ("files", "sha256")],
        "required_one_of": [("artefact", "files")],
        "required_by": {"artefact": ("dest",)},
    },
    "env": {"type": "dict"},
    "entrypoint": {"type": "list", "elements": "str"},
    "command": {"type": "list", "elements": "str"},
    "working_dir": {"type": "str"},
    "user": {"type": "str"},
    "labels": {"type": "dict"},
    "healthcheck": {"type": "dict", "options": HEALTH_SPEC},
    "exposed_ports": {"type": "list", "elements": "str"},
    "stop_signal": {"type": "str"},
    "archive": {"type": "path"},
    "push": {"type": "bool", "default": False},
    "credentials": {"type": "dict", "options": CREDENTIALS_SPEC},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, required_if=[("state", "present", ["base"])], supports_check_mode=True
    )
    try:
        result = ensure_image(module.params, module.check_mode, Path(module.tmpdir))
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def ensure_image(parameters: dict[str, Any], check_mode: bool, workplace: Path) -> dict[str, Any]:
    """Make the image be there, or not; `workplace` is a directory for temporary files."""
    absent = parameters["state"] == "absent"
    if absent and parameters["archive"]:
        return ensure_no_file(parameters, check_mode)
    with connect_engine(parameters) as engine:
        if absent:
            return ensure_absent(engine, parameters, check_mode)
        return ensure_present(engine, parameters, check_mode, workplace)


if __name__ == "__main__":
    main()
