#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a supervisord for a directory."""

from __future__ import annotations

DOCUMENTATION = """
module: supervisor_daemon
short_description: Run a supervisord for a directory
version_added: 0.1.0
description:
  - Ensures that a supervisord runs, or does not run, whose configuration, programs and logs lie in one directory.
  - The daemon gets an environment of its own, with E(PATH), E(HOME), E(LANG) and E(TZ) only, and a session of its own,
    so that neither the end of a playbook nor of what started the playbook ends it.
  - Before a start, processes that a dead supervisord of the same socket left behind are ended, because they would hold
    the ports of their successors. A supervisord of the same directory that no longer answers is restarted.
author:
  - nexus-ansible contributors (!UNKNOWN)
requirements:
  - supervisor (Python package), importable by O(interpreter)
options:
  directory:
    description: Where the configuration, the folder of programs C(conf.d) and the logs lie. Created when missing.
    type: path
    required: true
  runtime_dir:
    description:
      - Where the socket C(supervisor.sock) is made. Created when missing.
      - The path of the socket may have at most 99 bytes, so use a short directory.
    type: path
    required: true
  interpreter:
    description: The Python that runs supervisord. The one that runs the module by default.
    type: path
  state:
    description:
      - V(started) runs the daemon.
      - V(stopped) ends all its programs and the daemon and waits until none of their processes is left.
    type: str
    default: started
    choices: [started, stopped]
  stop_limit:
    description:
      - Seconds that programs get to end. What is left then is killed.
      - Give at least the longest O(nexus.automation.supervised_program#module:stop_wait).
    type: float
    default: 60
attributes:
  check_mode:
    description: Says what it would do and does nothing.
    support: full
  diff_mode:
    description: Shows the change of the configuration file.
    support: full
  idempotent:
    description: A daemon that runs with the same configuration is left alone.
    support: full
"""

EXAMPLES = """
- name: Run the supervisor of the platform
  nexus.automation.supervisor_daemon:
    directory: /srv/nexus/supervisor
    runtime_dir: /run/nexus
  register: supervisor

- name: End everything it runs
  nexus.automation.supervisor_daemon:
    directory: /srv/nexus/supervisor
    runtime_dir: /run/nexus
    state: stopped
"""

RETURN = """
socket:
  description: The socket to reach the daemon by.
  returned: success
  type: str
  sample: /run/nexus/supervisor.sock
config_dir:
  description: The folder it reads programs from.
  returned: success
  type: str
  sample: /srv/nexus/supervisor/conf.d
pid:
  description: The daemon's process id; null when it does not run, or would be started in check mode.
  returned: success
  type: int
  sample: 4711
"""

import contextlib
import sys
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError
from ..module_utils.files import difference, locked, read_text
from ..module_utils.supervision.daemon import (
    Daemon,
    orphans,
    render_configuration,
    running_pid,
    start_daemon,
    stop_daemon,
    unreachable_daemons,
    write_configuration,
)

ARGUMENT_SPEC: dict[str, Any] = {
    "directory": {"type": "path", "required": True},
    "runtime_dir": {"type": "path", "required": True},
    "interpreter": {"type": "path"},
    "state": {"type": "str", "default": "started", "choices": ["started", "stopped"]},
    "stop_limit": {"type": "float", "default": 60},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    actions = {"started": ensure_started, "stopped": ensure_stopped}
    try:
        daemon = _daemon(module.params)
        # Tasks for several hosts may share this machine, and with it the daemon.
        with contextlib.nullcontext() if module.check_mode else locked(daemon.directory):
            result = actions[module.params["state"]](daemon, module.params["stop_limit"], module.check_mode)
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(socket=str(daemon.socket), config_dir=str(daemon.config_dir), **result)


def ensure_started(daemon: Daemon, stop_limit_s: float, check_mode: bool) -> dict[str, Any]:
    """Run the daemon unless it runs."""
    before, after = read_text(daemon.configuration_file), render_configuration(daemon)
    pid = running_pid(daemon)
    changed = pid is None or before != after
    if changed and not check_mode:
        if pid is None:
            pid = start_daemon(daemon, stop_limit_s)
        write_configuration(daemon)
    return {"changed": changed, "pid": pid, "diff": difference(daemon.configuration_file, before, after)}


def ensure_stopped(daemon: Daemon, stop_limit_s: float, check_mode: bool) -> dict[str, Any]:
    """End the daemon and whatever it or a dead one left."""
    changed = bool(running_pid(daemon) or unreachable_daemons(daemon) or orphans(daemon) or daemon.socket.exists())
    if changed and not check_mode:
        stop_daemon(daemon, stop_limit_s)
    text = read_text(daemon.configuration_file)
    pid = running_pid(daemon)
    return {"changed": changed, "pid": pid, "diff": difference(daemon.configuration_file, text, text)}


def _daemon(parameters: dict[str, Any]) -> Daemon:
    directory, runtime_dir = Path(parameters["directory"]).absolute(), Path(parameters["runtime_dir"]).absolute()
    return Daemon(directory, runtime_dir, parameters["interpreter"] or sys.executable)


if __name__ == "__main__":
    main()
