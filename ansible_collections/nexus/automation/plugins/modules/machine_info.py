#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell what a machine offers to instances, and which of them are placed on it."""

from __future__ import annotations

DOCUMENTATION = """
module: machine_info
short_description: Tell what a machine offers to instances, and which of them are placed on it
version_added: 0.2.0
description:
  - Looks at the machine as the user that tasks run as, reads the directories of the environment in O(home), and asks
    the supervision for the state of its processes. A supervisord that does not run is an answer, not a failure.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  home:
    description: The directory of the environment.
    type: path
    required: true
  supervision:
    description: What supervises the instances.
    type: str
    default: supervisor
    choices: [supervisor, systemd]
  unit_prefix:
    description: What the names of the environment's systemd units begin with, before the name of the instance.
    type: str
    default: ""
  runtime:
    description: A directory in memory for sockets and secrets. The default is chosen by the machine and O(home).
    type: path
  accounts:
    description: Names of accounts that the instances run under.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Running it again reports the same and changes nothing.
    support: full
"""

EXAMPLES = """
- name: Look at the machine
  nexus.automation.machine_info:
    home: /srv/nexus/production
    supervision: systemd
    unit_prefix: shop-production-
  register: machine

- name: Show what is placed on it
  ansible.builtin.debug:
    msg: "{{ machine.instances | dictsort | map('first') | join(', ') }} in {{ machine.home }}"
"""

RETURN = """
home:
  description: The directory of the environment, without C(~).
  returned: success
  type: str
  sample: /srv/nexus/production
missing:
  description: Directories of the environment that are not there yet.
  returned: success
  type: list
  elements: str
  sample: []
missing_accounts:
  description: Those of O(accounts) that the machine does not know yet.
  returned: success
  type: list
  elements: str
  sample: [shop-production-backend-1]
uid:
  description: Number of the user that tasks run as.
  returned: success
  type: int
  sample: 0
user:
  description: Name of that user.
  returned: success
  type: str
  sample: root
python:
  description: The Python interpreter that ran the module.
  returned: success
  type: str
  sample: /usr/bin/python3
python_target:
  description: What it installs packages for, as O(nexus.automation.artefact#module:target) takes it.
  returned: success
  type: dict
  sample: {version: 3.11.2, platform: linux-x86_64, glibc: "2.36"}
scope:
  description: Whose systemd the user's units belong to, V(system) or V(user).
  returned: success
  type: str
  sample: system
systemd:
  description: Whether that systemd runs.
  returned: success
  type: bool
  sample: true
seals:
  description: Whether it keeps secrets on disk that only this machine's key opens.
  returned: success
  type: bool
  sample: true
units:
  description: Directory of its units.
  returned: success
  type: str
  sample: /etc/systemd/system
memory:
  description: A directory whose files are in memory.
  returned: success
  type: str
  sample: /run
runtime:
  description: The directory for sockets and secrets.
  returned: success
  type: str
  sample: /run/nexus-0f343b093112
runtime_uid:
  description: Whose it is; empty when it is not there.
  returned: success
  type: str
  sample: "0"
runtime_mode:
  description: Its mode, four octal digits; empty when it is not there.
  returned: success
  type: str
  sample: "0700"
socket:
  description: Socket of the environment's supervisord, whether or not it is there.
  returned: success
  type: str
  sample: /dev/shm/nexus-0f343b093112/supervisor.sock
supervised:
  description: Whether the supervision runs.
  returned: success
  type: bool
  sample: true
gates:
  description: Where the gates of the machine's proxies are, each proxy's in a folder of its own.
  returned: success
  type: str
  sample: /srv/nexus/production/gates
admitted:
  description: What the gates hold, by proxy and by the instance that has one; an address, or nothing when it is closed.
  returned: success
  type: dict
  sample: {"proxy-1": {"backend-1": "127.0.0.1:20480"}}
instances:
  description:
    - What is placed, by instance. Its C(version) that is current, the last C(good) one, the C(release) and C(releases)
      that they point to; empty where there is none.
    - Its complete C(versions), those whose C(secrets) are there, and whether it C(has_data).
    - The C(state), C(pid) and C(uptime) (seconds) of its process.
  returned: success
  type: dict
  sample:
    backend-1:
      version: 0123456789ab
      good: 0123456789ab
      release: backend-1.0-5f3c2a91d07b
      releases: [backend-1.0-5f3c2a91d07b]
      versions: [0123456789ab]
      secrets: []
      has_data: false
      state: running
      pid: 4711
      uptime: 86400
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.artefacts.python_target import this_python
from ..module_utils.errors import AdapterError
from ..module_utils.machines.placed import read_gates, read_placed, registered
from ..module_utils.machines.processes import ask, unsupervised
from ..module_utils.machines.surroundings import Surroundings, look_around, missing_accounts
from ..module_utils.supervision import SUPERVISIONS, UnitStatus, make_supervision

FOLDERS = ("instances", "logs", "releases")
ARGUMENT_SPEC: dict[str, Any] = {
    "home": {"type": "path", "required": True},
    "supervision": {"type": "str", "default": "supervisor", "choices": list(SUPERVISIONS)},
    "unit_prefix": {"type": "str", "default": ""},
    "runtime": {"type": "path"},
    "accounts": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        module.exit_json(changed=False, **_told(module.params))
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))


def _told(wanted: dict[str, Any]) -> dict[str, Any]:
    home, by_systemd = Path(wanted["home"]), wanted["supervision"] == "systemd"
    found = look_around(home, wanted["supervision"], Path(wanted["runtime"]) if wanted["runtime"] else None)
    socket = found.runtime / "supervisor.sock"
    supervision = make_supervision({**wanted, "scope": found.scope, "socket": str(socket)})
    # Where a boot brings the instances back, it must bring back who was admitted as well.
    gates = (home if by_systemd else found.runtime) / "gates"
    if by_systemd:
        prefix = wanted["unit_prefix"]
        names = registered(found.units, prefix, ".service")
    else:
        prefix = ""
        names = registered(home / "supervisor" / "conf.d", prefix, ".conf")
    units = [prefix + name for name in names]
    told = None if by_systemd and not found.systemd else ask(supervision, units)
    processes = unsupervised(units) if told is None else told
    return {
        **{key: str(value) if isinstance(value, Path) else value for key, value in asdict(found).items()},
        "home": str(home),
        "missing": [
            str(path) for path in (home, *(home / name for name in FOLDERS), found.runtime) if not path.is_dir()
        ],
        "python_target": asdict(this_python()),
        "missing_accounts": missing_accounts(wanted["accounts"]),
        "socket": str(socket),
        "supervised": told is not None,
        "gates": str(gates),
        "admitted": read_gates(gates),
        "instances": {name: _instance(home, found, name, processes[prefix + name]) for name in names},
    }


def _instance(home: Path, found: Surroundings, name: str, process: UnitStatus) -> dict[str, Any]:
    placed = read_placed(home / "instances" / name, found.runtime / "secrets" / name)
    return {**asdict(placed), "state": process.state.value, "pid": process.pid, "uptime": process.uptime}


if __name__ == "__main__":
    main()
