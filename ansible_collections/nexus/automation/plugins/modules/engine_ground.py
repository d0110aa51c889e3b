#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have what the containers of an environment stand on: images, a network and a console."""

from __future__ import annotations

DOCUMENTATION = """
module: engine_ground
short_description: Have what the containers of an environment stand on
version_added: 0.2.0
description:
  - Has a network of its own for the environment, in which each instance has an address that does not change, and a
    console in it, a container that checks are made from. Images that the engine lacks are pulled.
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
  state:
    description:
      - V(present) makes what is missing. A console that has stopped, or was made of another image, is made anew.
      - V(pulled) only pulls what is missing of O(images).
      - V(tidy) removes images of the environment's releases, except O(images) and those that containers are made of.
      - V(absent) removes the console, the network, the gates and the images of releases. Instances must be gone before.
    type: str
    default: present
    choices: [absent, present, pulled, tidy]
  console_image:
    description: The image of the console, which has a shell and a Python.
    type: str
  network:
    description: The addresses of the network, as C(10.80.0.0/16).
    type: str
  images:
    description: Names of other images that must be there, or stay.
    type: list
    elements: str
    default: []
  remove_data:
    description: Whether V(absent) removes the data of the instances as well.
    type: bool
    default: false
attributes:
  check_mode:
    description: Says whether it would change something.
    support: full
  diff_mode:
    description: What is missing is in its result.
    support: none
  idempotent:
    description: What is there as it should be is left alone.
    support: full
"""

EXAMPLES = """
- name: Have the network and the console
  nexus.automation.engine_ground:
    project: shop
    environment: production
    console_image: python:3.13-slim
    network: 10.80.0.0/16
"""

RETURN = """
missing:
  description: What was not there; C(network), C(console), and names of images.
  returned: state is present
  type: list
  elements: str
  sample: []
"""

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.containers.fleet import Fleet
from ..module_utils.containers.layout import Ground
from ..module_utils.containers.release_images import release_images, untag, used_images
from ..module_utils.containers.surroundings import clear, is_laid, lay, missing
from ..module_utils.errors import AdapterError, UnreachableError
from ..module_utils.images.connection import CONNECTION_SPEC, connect_engine
from ..module_utils.images.engine import Engine

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "project": {"type": "str", "required": True},
    "environment": {"type": "str", "required": True},
    "state": {"type": "str", "default": "present", "choices": ["absent", "present", "pulled", "tidy"]},
    "console_image": {"type": "str"},
    "network": {"type": "str"},
    "images": {"type": "list", "elements": "str", "default": []},
    "remove_data": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "present", ["console_image", "network"])],
        supports_check_mode=True,
    )
    try:
        result = ensure_ground(module.params, module.check_mode)
    except UnreachableError as error:
        module.exit_json(unreachable=True, msg=str(error))
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def ensure_ground(wanted: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Have it there, or not."""
    with connect_engine(wanted) as engine:
        fleet = Fleet(engine.client, engine.host, Ground(wanted["project"], wanted["environment"]))
        return STATES[wanted["state"]](engine, fleet, wanted, check_mode)


def _absent(engine: Engine, fleet: Fleet, wanted: dict[str, Any], check_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    images = release_images(fleet)
    there = bool(images) or is_laid(fleet, wanted["remove_data"])
    if there and not check_mode:
        clear(fleet, wanted["remove_data"])
        untag(fleet, images)
    return {"changed": there}


def _tidy(engine: Engine, fleet: Fleet, wanted: dict[str, Any], check_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    unused = [name for name in release_images(fleet) if name not in {*wanted["images"], *used_images(fleet)}]
    if not check_mode:
        untag(fleet, unused)
    return {"changed": bool(unused)}


def _pulled(engine: Engine, fleet: Fleet, wanted: dict[str, Any], check_mode: bool) -> dict[str, Any]:  # noqa: ARG001
    absent = [name for name in dict.fromkeys(wanted["images"]) if engine.find(name) is None]
    if not check_mode:
        for name in absent:
            engine.pull(name)
    return {"changed": bool(absent), "missing": absent}


def _present(engine: Engine, fleet: Fleet, wanted: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    images = [wanted["console_image"], *wanted["images"]]
    pulled = _pulled(engine, fleet, {"images": images}, check_mode)
    console = engine.find(wanted["console_image"])
    base = console.id if console else ""
    lacking = missing(fleet, base, wanted["network"])
    if lacking and not check_mode:
        lay(fleet, base, wanted["network"])
    return {"changed": bool(pulled["missing"] or lacking), "missing": [*pulled["missing"], *lacking]}


STATES: dict[str, Callable[[Engine, Fleet, dict[str, Any], bool], dict[str, Any]]] = {
    "absent": _absent,
    "present": _present,
    "pulled": _pulled,
    "tidy": _tidy,
}


if __name__ == "__main__":
    main()
