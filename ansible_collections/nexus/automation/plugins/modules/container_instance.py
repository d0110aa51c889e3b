#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have an instance of a service run as a container."""

from __future__ import annotations

DOCUMENTATION = """
module: container_instance
short_description: Have an instance of a service run as a container
version_added: 0.2.0
description:
  - A version of an instance is named after everything it is made of; what a process must be restarted for, then, after
    a hyphen, what it can load while it runs. The first part decides about the container, the second about files in it.
  - A container that ran the last good version is stopped and kept, with a name of its own, until another one is good.
  - Files and secrets are written into the container before it starts. So they are in neither the image nor the labels
    nor in what C(docker inspect) tells, and they are there again after a restart of the container or of the machine.
author:
  - nexus-ansible contributors (!UNKNOWN)
requirements:
  - the Python library docker, 7.1 or later, which the extra C(docker) of nexus-ansible brings
extends_documentation_fragment:
  - nexus.automation.docker_engine
options:
  project:
    description: The project, which everything of it is labelled with.
    type: str
    required: true
  environment:
    description: The environment of the project.
    type: str
    required: true
  name:
    description: The instance.
    type: str
    required: true
  state:
    description:
      - V(placed) has it run O(version), in a new container if there is none of it.
      - V(restored) has it run O(version), which must still be there.
      - V(restarted) restarts its container.
      - V(good) marks the version that runs as good, and removes what was kept to go back to.
      - V(absent) stops and removes it. Its data stays.
    type: str
    default: placed
    choices: [absent, good, placed, restarted, restored]
  version:
    description: Name of the version.
    type: str
  image:
    description: The image that the container is made of.
    type: str
  launcher:
    description: The text of the script that the container starts with.
    type: str
  variables:
    description: Environment variables that C(docker inspect) may tell.
    type: dict
    default: {}
  secrets:
    description: A text in the shell's language that the launcher reads; only the instance's user can.
    type: str
    default: ""
  files:
    description: Its configuration.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the file.
        type: str
        required: true
      content:
        description: Its text.
        type: str
        required: true
      secret:
        description: Whether only the instance's user can read it.
        type: bool
        default: false
  release:
    description: The release in the image.
    type: str
    default: ""
  release_path:
    description: Where in the image that is.
    type: str
    default: ""
  data:
    description: Whether it has a volume of data, which outlives the container.
    type: bool
    default: false
  gates:
    description: Whether it has the volume of the gates.
    type: bool
    default: false
  address:
    description: Its address in the network. By default the engine chooses one.
    type: str
    default: ""
  port:
    description: The port it listens on.
    type: int
  published:
    description: Address of the engine's machine at which the port can be reached. By default it can not.
    type: str
    default: ""
  resources:
    description: The most it may use; C(cpu) (a number of CPUs) and C(memory) (bytes).
    type: dict
    default: {}
  stop_signal:
    description: Signal that asks it to end.
    type: str
    default: TERM
  stop_timeout:
    description: Seconds it gets to end.
    type: int
    default: 30
  healthcheck:
    description: Command by which the engine tells of its health.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Says that it would do what it is asked to, which whoever asks has compared before.
    support: full
  diff_mode:
    description: What differs is told by the name of the version.
    support: none
  idempotent:
    description: >-
      An instance whose container runs the version is left alone, one whose version is good already, and one that is
      not there.
    support: full
"""

EXAMPLES = """
- name: Have the backend run
  nexus.automation.container_instance:
    project: shop
    environment: production
    name: backend-1
    version: 0123456789ab
    image: shop-backend:1.4.0
    launcher: |
      #!/bin/sh
      exec python3 -m backend
    address: 10.80.80.1
    port: 20481
"""

RETURN = """
unreachable:
  description: That the engine does not answer, which C(msg) tells more of.
  returned: when it does not
  type: bool
  sample: true
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.containers import placement
from ..module_utils.containers.fleet import Fleet
from ..module_utils.containers.layout import Ground
from ..module_utils.errors import AdapterError, UnreachableError
from ..module_utils.images.connection import CONNECTION_SPEC, connect_engine

FILE_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "secret": {"type": "bool", "default": False, "no_log": False},
}
ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "project": {"type": "str", "required": True},
    "environment": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "state": {
        "type": "str",
        "default": "placed",
        "choices": ["absent", "good", "placed", "restarted", "restored"],
    },
    "version": {"type": "str"},
    "image": {"type": "str"},
    "launcher": {"type": "str"},
    "variables": {"type": "dict", "default": {}},
    "secrets": {"type": "str", "default": "", "no_log": True},
    "files": {"type": "list", "elements": "dict", "default": [], "options": FILE_SPEC, "no_log": True},
    "release": {"type": "str", "default": ""},
    "release_path": {"type": "str", "default": ""},
    "data": {"type": "bool", "default": False},
    "gates": {"type": "bool", "default": False},
    "address": {"type": "str", "default": ""},
    "port": {"type": "int"},
    "published": {"type": "str", "default": ""},
    "resources": {"type": "dict", "default": {}},
    "stop_signal": {"type": "str", "default": "TERM"},
    "stop_timeout": {"type": "int", "default": 30},
    "healthcheck": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[
            ("state", "placed", ["version", "image", "launcher", "port"]),
            ("state", "restored", ["version"]),
        ],
        supports_check_mode=True,
    )
    wanted = module.params
    try:
        with connect_engine(wanted) as engine:
            fleet = Fleet(engine.client, engine.host, Ground(wanted["project"], wanted["environment"]))
            changed = would_change(fleet, wanted)
            if changed and not module.check_mode:
                act(fleet, wanted)
    except UnreachableError as error:
        module.exit_json(unreachable=True, msg=str(error))
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed)


def would_change(fleet: Fleet, wanted: dict[str, Any]) -> bool:
    """Whether there is something to do."""
    found = fleet.placed(wanted["name"])
    current = next((one for one in found if not one.kept), None)
    if wanted["state"] == "absent":
        return bool(found)
    if wanted["state"] == "restarted":
        return True
    if wanted["state"] == "good":
        return bool(current and current.says.version != current.says.good) or any(one.kept for one in found)
    return not (current and current.says.version == wanted["version"] and current.state == "running")


def act(fleet: Fleet, wanted: dict[str, Any]) -> None:
    """Do what is asked for."""
    name, seconds = wanted["name"], wanted["stop_timeout"]
    if wanted["state"] == "placed":
        placement.place(fleet, order(wanted))
    elif wanted["state"] == "restored":
        placement.restore(fleet, name, wanted["version"], seconds)
    elif wanted["state"] == "restarted":
        placement.restart(fleet, name, seconds)
    elif wanted["state"] == "good":
        placement.accept(fleet, name)
    else:
        placement.remove(fleet, name, seconds)


def order(wanted: dict[str, Any]) -> placement.Order:
    """The options as an order."""
    return placement.Order(
        instance=wanted["name"],
        version=wanted["version"],
        image=wanted["image"],
        launcher=wanted["launcher"],
        secrets=wanted["secrets"],
        files=tuple((file["name"], file["content"], file["secret"]) for file in wanted["files"]),
        environment={name: str(value) for name, value in wanted["variables"].items()},
        release=wanted["release"],
        release_path=wanted["release_path"],
        data=wanted["data"],
        gates=wanted["gates"],
        address=wanted["address"],
        port=wanted["port"],
        published=((wanted["published"], wanted["port"]),) if wanted["published"] else (),
        resources={name: float(value) for name, value in wanted["resources"].items()},
        stop_signal=wanted["stop_signal"],
        stop_timeout=wanted["stop_timeout"],
        healthcheck=tuple(wanted["healthcheck"]),
    )


if __name__ == "__main__":
    main()
