#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the metrics of many services at once."""

from __future__ import annotations

DOCUMENTATION = """
module: service_metrics
short_description: Read the metrics of many services at once
version_added: 0.1.0
description:
  - Reads the metrics of services, with CPU time and memory of their processes, side by side in one task.
  - For web services they are a page in Prometheus's text format or JSON; for the proxy they come from Caddy's admin
    API, for PostgreSQL from its statistics views, and for Redis from its command C(INFO).
  - Values that are not finite numbers are left out.
author:
  - nexus-ansible contributors (!UNKNOWN)
requirements:
  - psycopg 3, only for PostgreSQL
extends_documentation_fragment:
  - nexus.automation.health_targets
  - nexus.automation.supervision
options:
  fail_on_error:
    description: Whether a target that cannot be read fails the task. The message names each one with the cause.
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
- name: Read what the platform does
  nexus.automation.service_metrics:
    socket: /run/nexus/supervisor.sock
    targets:
      - name: backend-1
        port: 8001
        program: backend-1
      - name: redis
        service: redis
        password: "{{ redis_password }}"
  register: now

- name: Show the backend's memory
  ansible.builtin.debug:
    msg: "{{ now.metrics['backend-1'] | selectattr('metric', 'eq', 'process_resident_memory_bytes') }}"
"""

RETURN = """
metrics:
  description: For each target that could be read, its samples; the names are those of the targets.
  returned: always
  type: dict
  sample:
    backend-1:
      - metric: http_requests_total
        labels: {route: /api/visits, status: "200"}
        value: 42.0
errors:
  description: For each target that could not be read, the cause.
  returned: always
  type: dict
  sample: {}
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.checks.targets import TARGETS_SPEC, read_each
from ..module_utils.errors import AdapterError
from ..module_utils.services.metrics import Source, make_source, read_all
from ..module_utils.supervision import SUPERVISION_SPEC, make_supervision

ARGUMENT_SPEC: dict[str, Any] = {
    **TARGETS_SPEC,
    **SUPERVISION_SPEC,
    "fail_on_error": {"type": "bool", "default": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    parameters = module.params
    try:
        sources = read_each(parameters, lambda options: _source(options, parameters))
    except AdapterError as error:
        module.fail_json(msg=str(error))
    if not sources:
        module.fail_json(msg="`targets` is empty, so nothing was read. Give at least one target.")
    readings = read_all(sources, parameters["concurrency"], parameters["limit"])
    errors = {reading.name: reading.error for reading in readings if reading.error}
    metrics = {
        reading.name: [asdict(sample) for sample in reading.samples] for reading in readings if not reading.error
    }
    if errors and parameters["fail_on_error"]:
        lines = "".join(f"\n  {name}, {error}" for name, error in errors.items())
        module.fail_json(
            msg=f"{len(errors)} of {len(readings)} targets cannot be read:{lines}", metrics=metrics, errors=errors
        )
    module.exit_json(changed=False, metrics=metrics, errors=errors)


def _source(options: Mapping[str, Any], parameters: Mapping[str, Any]) -> Source:
    pids = list(options["pids"])
    if options["program"]:
        running = make_supervision(parameters).pids(options["program"])
        if not running:
            raise AdapterError(f"program {options['program']} does not run. Start it or leave out `program`.")
        pids += running
    return make_source(options, pids)


if __name__ == "__main__":
    main()
