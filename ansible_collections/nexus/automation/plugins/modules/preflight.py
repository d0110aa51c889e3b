#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check what a deployment needs of its host."""

from __future__ import annotations

DOCUMENTATION = """
module: preflight
short_description: Check what a deployment needs of its host
version_added: 0.1.0
description:
  - Checks ports, directories and programs in one task, before anything is changed, and reports all problems at once.
  - Each problem says what is wrong, who needs it, and what to do.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  ports:
    description: TCP ports that must be free.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address to listen on.
        type: str
        default: 127.0.0.1
      port:
        description: The port.
        type: int
        required: true
      needed_by:
        description: Who will listen there.
        type: str
        required: true
      pids:
        description: Processes that may hold the port already, with their children.
        type: list
        elements: int
        default: []
      programs:
        description: Programs of the supervisord behind O(socket) that may hold the port already, with their children.
        type: list
        elements: str
        default: []
  directories:
    description:
      - Directories that must exist and be writable, or that can be made.
      - The room for those that share a file system is added up.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The directory.
        type: path
        required: true
      needed_by:
        description: Who will write there.
        type: str
        required: true
      free_bytes:
        description: Bytes it takes.
        type: int
        default: 0
      free_inodes:
        description: Files it takes.
        type: int
        default: 0
  programs:
    description: Programs that must be there and executable.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name in PATH, or its path.
        type: str
        required: true
      needed_by:
        description: Who starts it.
        type: str
        required: true
      install:
        description: A sentence that says how to get it.
        type: str
  socket:
    description: The socket of a supervisord. When none answers there, its programs hold no port.
    type: path
  fail_on_problems:
    description: Whether a problem fails the task.
    type: bool
    default: true
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Checking again changes nothing.
    support: full
"""

EXAMPLES = """
- name: Check what the platform needs
  nexus.automation.preflight:
    ports:
      - port: 8001
        needed_by: backend-1
        programs: [backend-1]
    directories:
      - path: /srv/nexus/database
        needed_by: database
        free_bytes: 1073741824
        free_inodes: 10000
    programs:
      - name: setpriv
        needed_by: database
        install: Install the package util-linux.
    socket: /run/nexus/supervisor.sock
"""

RETURN = """
problems:
  description: One sentence for each problem; ports first, then directories and programs.
  returned: always
  type: list
  elements: str
  sample:
    - program setpriv is not in PATH; database needs it. Install the package util-linux.
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError, UnreachableError
from ..module_utils.preflight.directories import DirectoryNeed, check_directories
from ..module_utils.preflight.ports import PortNeed, check_ports
from ..module_utils.preflight.programs import ProgramNeed, check_programs
from ..module_utils.supervision.supervisor import SupervisorSupervision

ARGUMENT_SPEC: dict[str, Any] = {
    "ports": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "address": {"type": "str", "default": "127.0.0.1"},
            "port": {"type": "int", "required": True},
            "needed_by": {"type": "str", "required": True},
            "pids": {"type": "list", "elements": "int", "default": []},
            "programs": {"type": "list", "elements": "str", "default": []},
        },
    },
    "directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "needed_by": {"type": "str", "required": True},
            "free_bytes": {"type": "int", "default": 0},
            "free_inodes": {"type": "int", "default": 0},
        },
    },
    "programs": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "needed_by": {"type": "str", "required": True},
            "install": {"type": "str"},
        },
    },
    "socket": {"type": "path"},
    "fail_on_problems": {"type": "bool", "default": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        problems = find_problems(module.params)
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    if problems and module.params["fail_on_problems"]:
        lines = "\n".join(f"  {problem}" for problem in problems)
        one = len(problems) == 1
        module.fail_json(msg=problems[0] if one else f"{len(problems)} problems:\n{lines}", problems=problems)
    module.exit_json(changed=False, problems=problems)


def find_problems(parameters: dict[str, Any]) -> list[str]:
    """Check everything; return one sentence for each problem."""
    directories = [
        DirectoryNeed(Path(need["path"]).absolute(), need["needed_by"], need["free_bytes"], need["free_inodes"])
        for need in parameters["directories"]
    ]
    programs = [ProgramNeed(need["name"], need["needed_by"], need["install"]) for need in parameters["programs"]]
    ports = [
        PortNeed(need["address"], need["port"], need["needed_by"], _owners(need, parameters["socket"]))
        for need in parameters["ports"]
    ]
    return [*check_ports(ports), *check_directories(directories), *check_programs(programs)]


def _owners(need: dict[str, Any], socket: str | None) -> list[int]:
    if not need["programs"]:
        return list(need["pids"])
    supervision = SupervisorSupervision.from_options({"socket": socket})
    try:
        return [*need["pids"], *(pid for name in need["programs"] for pid in supervision.pids(name))]
    except UnreachableError:
        return list(need["pids"])


if __name__ == "__main__":
    main()
