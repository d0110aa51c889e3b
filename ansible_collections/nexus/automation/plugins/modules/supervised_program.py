#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a program under supervisord."""

from __future__ import annotations

DOCUMENTATION = """
module: supervised_program
short_description: Run a program under supervisord
version_added: 0.1.0
description:
  - Ensures that one program is configured under a supervisord and runs, is stopped, or is not known there at all.
  - The program is restarted only when its configuration or O(restart_on) changed, or when it does not run.
  - A program that does not come up fails the task with the end of its log.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  name:
    description: The program's name; letters, digits, dots, hyphens and underscores. Required unless O(names) is given.
    type: str
  names:
    description: The names of several programs, which are stopped at the same time. Only for O(state=absent).
    type: list
    elements: str
  state:
    description:
      - V(started) configures the program and waits until it runs.
      - V(stopped) configures it, waits until none of its processes is left, and keeps supervisord from starting it.
      - V(absent) stops it and removes its configuration.
    type: str
    default: started
    choices: [started, stopped, absent]
  socket:
    description: The socket of the supervisord, as RV(nexus.automation.supervisor_daemon#module:socket) tells it.
    type: path
    required: true
  config_dir:
    description: The folder that supervisord reads programs from. The file is C(<name>.conf).
    type: path
    required: true
  command:
    description: The program and its arguments, one list item each; no shell is involved. Required unless it is absent.
    type: list
    elements: str
  directory:
    description: The working directory. It must exist. Required unless the program is absent.
    type: path
  log_file:
    description: Where output and errors of the program go. Its directory must exist. Required unless it is absent.
    type: path
  environment:
    description:
      - Variables added to the environment of supervisord.
      - They are written to the configuration and shown by C(--diff). Give secrets in a file the program reads instead.
    type: dict
    default: {}
  restart_on:
    description:
      - Any text that stands for what the program was started from, such as the digest of its own configuration.
      - The program is restarted when it differs from the one it was started with.
    type: str
    default: ""
  stop_signal:
    description: The signal that asks the program to end.
    type: str
    default: TERM
    choices: [TERM, HUP, INT, QUIT, KILL, USR1, USR2]
  stop_wait:
    description: Seconds the program gets to end before it is killed.
    type: int
    default: 10
  start_wait:
    description: Seconds the program must stay up to count as running.
    type: int
    default: 1
  start_retries:
    description: How often a program that ended within O(start_wait) is started again before it counts as failed.
    type: int
    default: 3
  log_max_bytes:
    description: Size at which the log is rotated; 0 never rotates.
    type: int
    default: 10485760
  log_backups:
    description: How many rotated logs are kept.
    type: int
    default: 2
attributes:
  check_mode:
    description: Says what it would do and does nothing, also when the supervisord does not run yet.
    support: full
  diff_mode:
    description: Shows the change of the program's configuration file.
    support: full
  idempotent:
    description: A program that runs with the same configuration is left alone.
    support: full
"""

EXAMPLES = """
- name: Run the first instance of the backend
  nexus.automation.supervised_program:
    name: backend-1
    socket: /run/nexus/supervisor.sock
    config_dir: /srv/nexus/supervisor/conf.d
    command: [/usr/bin/python3, -m, nexus_backend]
    directory: /srv/nexus/backend-1
    log_file: /srv/nexus/logs/backend-1.log
    environment:
      PORT: "8001"
    restart_on: "{{ release_id }}"
    stop_wait: 30

- name: Remove the fourth
  nexus.automation.supervised_program:
    name: backend-4
    socket: /run/nexus/supervisor.sock
    config_dir: /srv/nexus/supervisor/conf.d
    state: absent

- name: Remove the second and the third at the same time
  nexus.automation.supervised_program:
    names: [backend-2, backend-3]
    socket: /run/nexus/supervisor.sock
    config_dir: /srv/nexus/supervisor/conf.d
    state: absent
"""

RETURN = """
name:
  description: The program's name.
  returned: success and O(name) was given
  type: str
  sample: backend-1
state:
  description: The state read back; V(absent), V(stopped), V(starting), V(running), V(stopping) or V(failed).
  returned: success and O(name) was given
  type: str
  sample: running
pid:
  description: The id of its process; null when it does not run.
  returned: success and O(name) was given
  type: int
  sample: 4711
conf:
  description: Its configuration file.
  returned: success and O(name) was given
  type: str
  sample: /srv/nexus/supervisor/conf.d/backend-1.conf
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError, UnreachableError
from ..module_utils.files import difference, read_text
from ..module_utils.supervision.base import UnitState, UnitStatus
from ..module_utils.supervision.program import (
    Program,
    apply_program,
    configuration_file,
    is_as_wanted,
    remove_programs,
    render_program,
    require_startable,
)
from ..module_utils.supervision.supervisor import SupervisorSupervision
from ..module_utils.supervision.supervisord_client import SupervisordClient

NEEDED = ["name", "command", "directory", "log_file"]

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "names": {"type": "list", "elements": "str"},
    "state": {"type": "str", "default": "started", "choices": ["started", "stopped", "absent"]},
    "socket": {"type": "path", "required": True},
    "config_dir": {"type": "path", "required": True},
    "command": {"type": "list", "elements": "str"},
    "directory": {"type": "path"},
    "log_file": {"type": "path"},
    "environment": {"type": "dict", "default": {}},
    "restart_on": {"type": "str", "default": ""},
    "stop_signal": {
        "type": "str",
        "default": "TERM",
        "choices": ["TERM", "HUP", "INT", "QUIT", "KILL", "USR1", "USR2"],
    },
    "stop_wait": {"type": "int", "default": 10},
    "start_wait": {"type": "int", "default": 1},
    "start_retries": {"type": "int", "default": 3},
    "log_max_bytes": {"type": "int", "default": 10485760},
    "log_backups": {"type": "int", "default": 2},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "started", NEEDED), ("state", "stopped", NEEDED)],
        mutually_exclusive=[("name", "names")],
        required_one_of=[("name", "names")],
        supports_check_mode=True,
    )
    client = SupervisordClient(module.params["socket"])
    ensure = ensure_absent if module.params["state"] == "absent" else ensure_present
    try:
        result = ensure(module.params, client, module.check_mode)
        if module.params["name"]:
            status = _status(module.params["name"], client, module.check_mode)
            conf = configuration_file(Path(module.params["config_dir"]), status.name)
            result.update(name=status.name, state=status.state.value, pid=status.pid, conf=str(conf))
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def ensure_present(parameters: dict[str, Any], client: SupervisordClient, check_mode: bool) -> dict[str, Any]:
    """Configure the program and start or stop it."""
    program, config_dir = _program(parameters), Path(parameters["config_dir"])
    path = configuration_file(config_dir, program.name)
    before, after = read_text(path), render_program(program)
    changed = not is_as_wanted(program, config_dir, _status(program.name, client, check_mode))
    if changed and not check_mode:
        require_startable(program)
        apply_program(program, config_dir, client)
    return {"changed": changed, "diff": difference(path, before, after)}


def ensure_absent(parameters: dict[str, Any], client: SupervisordClient, check_mode: bool) -> dict[str, Any]:
    """Stop the programs and forget them."""
    names, config_dir = parameters["names"] or [parameters["name"]], Path(parameters["config_dir"])
    before = {path: read_text(path) for path in (configuration_file(config_dir, name) for name in names)}
    known = [name for name in names if _status(name, client, check_mode).state is not UnitState.ABSENT]
    changed = bool(known) or any(text is not None for text in before.values())
    if changed and not check_mode:
        remove_programs(names, config_dir, client, parameters["stop_wait"])
    return {"changed": changed, "diff": [difference(path, text, None) for path, text in before.items()]}


def _status(name: str, client: SupervisordClient, check_mode: bool) -> UnitStatus:
    try:
        return SupervisorSupervision(client).status(name)
    except UnreachableError:
        if check_mode:  # the task that starts the daemon has only been predicted as well
            return UnitStatus(name, UnitState.ABSENT, "supervisord does not run yet")
        raise


def _program(parameters: dict[str, Any]) -> Program:
    settings = ("stop_signal", "stop_wait", "start_wait", "start_retries", "log_max_bytes", "log_backups", "restart_on")
    return Program(
        name=parameters["name"],
        command=parameters["command"],
        directory=Path(parameters["directory"]),
        environment={name: str(value) for name, value in parameters["environment"].items()},
        log_file=Path(parameters["log_file"]),
        autostart=parameters["state"] == "started",
        **{name: parameters[name] for name in settings},
    )


if __name__ == "__main__":
    main()
