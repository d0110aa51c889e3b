#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the health of many targets at once."""

from __future__ import annotations

DOCUMENTATION = """
module: service_health
short_description: Check the health of many targets at once
version_added: 0.1.0
description:
  - Asks many targets whether they are healthy, side by side in one task, and changes nothing.
  - An empty list of targets is an error, because it would count as healthy without anything having been checked.
  - The task ends within the time its targets' limits add up to, whatever a target or a name server does.
author:
  - nexus-ansible contributors (!UNKNOWN)
requirements:
  - psycopg 3, only for targets of the kind V(postgresql)
extends_documentation_fragment:
  - nexus.automation.health_targets
options:
  fail_on_unhealthy:
    description: Whether an unhealthy target fails the task. The message names each one with its address and the cause.
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
    description: Asking again changes nothing.
    support: full
"""

EXAMPLES = """
- name: Wait until both backends are healthy
  nexus.automation.service_health:
    targets:
      - name: backend-1
        url: http://127.0.0.1:8001/api/health
      - name: backend-2
        url: http://127.0.0.1:8002/api/health
        json_pointer: /database
        json_value: ok
    retries: 30
    interval: 0.5

- name: Check the database and the cache
  nexus.automation.service_health:
    targets:
      - name: database
        service: postgresql
        kind: command
        command: [pg_isready, --host, 127.0.0.1, --port, "5432"]
      - name: redis
        service: redis
        password: "{{ redis_password }}"
    fail_on_unhealthy: false
  register: health
"""

RETURN = """
healthy:
  description: Whether all targets are.
  returned: always
  type: bool
  sample: true
results:
  description: One result for each target, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The target's name.
      type: str
    kind:
      description: How it was checked.
      type: str
    address:
      description: Whom it asked, without secrets.
      type: str
    healthy:
      description: Whether the target is.
      type: bool
    status:
      description: HTTP status or return code of the last try, if it got one.
      type: int
    detail:
      description: What the last try found.
      type: str
    error:
      description: What is wrong; null for a healthy target.
      type: str
    tries:
      description: How often it was asked; 0 when the limit of the task came first.
      type: int
    duration_s:
      description: Seconds from the first try to the last answer.
      type: float
  sample:
    - name: backend-1
      kind: http
      address: http://127.0.0.1:8001/api/health
      healthy: true
      status: 200
      detail: HTTP 200
      error: null
      tries: 1
      duration_s: 0.0021
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.checks.run import describe_unhealthy, run_checks
from ..module_utils.checks.targets import TARGETS_SPEC, read_targets
from ..module_utils.errors import AdapterError

ARGUMENT_SPEC: dict[str, Any] = {
    **TARGETS_SPEC,
    "fail_on_unhealthy": {"type": "bool", "default": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        targets = read_targets(module.params)
    except AdapterError as error:
        module.fail_json(msg=str(error))
    if not targets:
        module.fail_json(msg="`targets` is empty, so nothing was checked. Give at least one target.")
    results = run_checks(targets, module.params["concurrency"], module.params["limit"])
    problem = describe_unhealthy(results)
    report = {"changed": False, "healthy": not problem, "results": [asdict(result) for result in results]}
    if problem and module.params["fail_on_unhealthy"]:
        module.fail_json(msg=problem, **report)
    module.exit_json(**report)


if __name__ == "__main__":
    main()
