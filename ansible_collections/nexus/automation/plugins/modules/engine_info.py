#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell which instances of an environment a Docker engine has, and what images have."""

from __future__ import annotations

DOCUMENTATION = """
module: engine_info
short_description: Tell which instances of an environment a Docker engine has, and what images have
version_added: 0.2.0
description:
  - Asks the engine for the containers of the environment, and reads what they say of their versions from a file in
    each. No record is kept anywhere else.
  - What an image has is asked in a container of it, without a network, that is removed again.
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
  images:
    description: Names of images to look into. Those that the engine lacks are not pulled.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Leaves nothing changed, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Running it again reports the same and changes nothing.
    support: full
"""

EXAMPLES = """
- name: Look at the engine
  nexus.automation.engine_info:
    project: shop
    environment: production
    images: [python:3.13-slim]
  register: engine
"""

RETURN = """
instances:
  description:
    - What is placed, by instance. Its C(version) that is current, the last C(good) one, the C(versions) that are there,
      its C(release) and C(releases); empty where there is none.
    - The C(state), C(pid) (as the engine's machine counts it) and C(uptime) (seconds) of its container.
  returned: success
  type: dict
  sample:
    backend-1:
      version: 0123456789ab
      good: 0123456789ab
      versions: [0123456789ab]
      release: backend-1.0-5f3c2a91d07b
      releases: [backend-1.0-5f3c2a91d07b]
      state: running
      pid: 4711
      uptime: 86400
admitted:
  description: What the gates hold, by proxy and by the instance that has one; an address, or nothing when it is closed.
  returned: success
  type: dict
  sample: {"proxy-1": {"backend-1": "10.80.80.1:20481"}}
console:
  description: Whether the console runs, from which checks are made.
  returned: success
  type: bool
  sample: true
images:
  description:
    - By name, the C(id) of each image in O(images) that is there, paths of the C(programs) that it has, and what its
      C(python) installs packages for, as O(nexus.automation.artefact#module:target) takes it.
  returned: success
  type: dict
  sample:
    python:3.13-slim:
      id: sha256:473c70e74c682deb5defecab5e25d9ed75fe140e7211e9d7ea7d364a3250235b
      programs: {python3: /usr/local/bin/python3}
      python: {version: 3.13.1, platform: linux-x86_64, glibc: "2.41"}
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.containers.fleet import Fleet, Placed
from ..module_utils.containers.layout import Ground
from ..module_utils.containers.probe import probe
from ..module_utils.containers.surroundings import console_runs
from ..module_utils.errors import AdapterError, UnreachableError
from ..module_utils.images.connection import CONNECTION_SPEC, connect_engine
from ..module_utils.proxies.gates import CLOSED

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "project": {"type": "str", "required": True},
    "environment": {"type": "str", "required": True},
    "images": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    wanted = module.params
    try:
        with connect_engine(wanted) as engine:
            fleet = Fleet(engine.client, engine.host, Ground(wanted["project"], wanted["environment"]))
            told = tell(fleet, wanted["images"])
    except UnreachableError as error:
        module.exit_json(unreachable=True, msg=str(error))
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **told)


def tell(fleet: Fleet, images: list[str]) -> dict[str, Any]:
    """What the module returns."""
    found: dict[str, list[Placed]] = {}
    for one in fleet.placed():
        found.setdefault(one.instance, []).append(one)
    contents = {name: probe(fleet, name) for name in images}
    return {
        "instances": {name: _instance(ones) for name, ones in sorted(found.items())},
        "admitted": {
            proxy: {name: "" if address == CLOSED else address for name, address in gates.items()}
            for proxy, gates in fleet.gates().items()
        },
        "console": console_runs(fleet),
        "images": {name: asdict(content) for name, content in contents.items() if content is not None},
    }


def _instance(ones: list[Placed]) -> dict[str, Any]:
    """An instance of its containers, the current one first."""
    current = ones[0]
    # Without one under its own name, what is there was set aside by an apply that was cut off.
    runs = not current.kept
    return {
        "version": current.says.version if runs else "",
        "good": next((one.says.good for one in ones if one.says.good), ""),
        "versions": sorted({version for one in ones for version in one.says.versions}),
        "release": current.release if runs else "",
        "releases": sorted({one.release for one in ones} - {""}),
        "state": current.state if runs else "stopped",
        "pid": current.pid,
        "uptime": current.uptime,
    }


if __name__ == "__main__":
    main()
