#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restart instances and wait until they are healthy."""

from __future__ import annotations

DOCUMENTATION = """
module: service_restart
short_description: Restart instances and wait until they are healthy
version_added: 0.1.0
description:
  - Restarts programs under supervision one after the other, then checks the health of targets until they are healthy.
  - An instance that does not come back fails the task with the end of its log.
author:
  - nexus-ansible contributors (!UNKNOWN)
requirements:
  - psycopg 3, only for targets of the kind V(postgresql)
extends_documentation_fragment:
  - nexus.automation.health_targets
  - nexus.automation.supervision
options:
  names:
    description: The programs or units to restart, in this order.
    type: list
    elements: str
    required: true
  restart_limit:
    description: Seconds that one program may take to stop, and again to start.
    type: float
    default: 60
attributes:
  check_mode:
    description: Says what it would restart and does nothing.
    support: full
  diff_mode:
    description: A restart changes no state that could be shown.
    support: none
  idempotent:
    description: Every run restarts the programs again.
    support: none
"""

EXAMPLES = """
- name: Restart the second backend and wait for it
  nexus.automation.service_restart:
    names: [backend-2]
    socket: /run/nexus/supervisor.sock
    targets:
      - name: backend-2
        url: http://127.0.0.1:8002/api/health
    retries: 30
    interval: 0.5
"""

RETURN = """
restarted:
  description: For each program, in order, its name and the ids of its main process before and after; null is none.
  returned: success
  type: list
  elements: dict
  sample:
    - name: backend-2
      pid_before: 4711
      pid_after: 4822
results:
  description: The health of the targets, as RV(nexus.automation.service_health#module:results) has it.
  returned: success
  type: list
  elements: dict
  sample: []
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.checks.run import describe_unhealthy, run_checks
from ..module_utils.checks.targets import TARGETS_SPEC, read_targets
from ..module_utils.errors import AdapterError
from ..module_utils.supervision import SUPERVISION_SPEC, Supervision, UnitState, make_supervision

ARGUMENT_SPEC: dict[str, Any] = {
    **TARGETS_SPEC,
    **SUPERVISION_SPEC,
    "names": {"type": "list", "elements": "str", "required": True},
    "restart_limit": {"type": "float", "default": 60},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    parameters = module.params
    try:
        targets = read_targets(parameters)
        supervision = make_supervision(parameters)
        pids = _known_pids(supervision, parameters["names"])
        if module.check_mode:
            restarted = [{"name": name, "pid_before": pid, "pid_after": pid} for name, pid in pids.items()]
            module.exit_json(changed=bool(pids), restarted=restarted, results=[])
        restarted = [_restart(supervision, name, pids[name], parameters["restart_limit"]) for name in pids]
    except AdapterError as error:
        module.fail_json(msg=str(error))
    results = run_checks(targets, parameters["concurrency"], parameters["limit"])
    problem = describe_unhealthy(results)
    report = {"changed": bool(pids), "restarted": restarted, "results": [asdict(result) for result in results]}
    if problem:
        module.fail_json(msg=problem + _logs(supervision, parameters["names"]), **report)
    module.exit_json(**report)


def _known_pids(supervision: Supervision, names: list[str]) -> dict[str, int | None]:
    statuses = [supervision.status(name) for name in names]
    unknown = [f"{status.name} ({status.detail})" for status in statuses if status.state is UnitState.ABSENT]
    if unknown:
        raise AdapterError(f"nothing was restarted: there is no {', '.join(unknown)}. Correct `names`.")
    return {status.name: status.pid for status in statuses}


def _restart(supervision: Supervision, name: str, pid: int | None, limit_s: float) -> dict[str, Any]:
    supervision.restart(name, limit_s)
    return {"name": name, "pid_before": pid, "pid_after": supervision.status(name).pid}


def _logs(supervision: Supervision, names: list[str]) -> str:
    logs = [(name, supervision.log_tail(name)) for name in names]
    return "".join(f"\nThe end of the log of {name}:\n{text}" for name, text in logs if text)


if __name__ == "__main__":
    main()
