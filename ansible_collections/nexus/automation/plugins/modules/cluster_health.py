#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell the health of instances as the probes of a cluster found it."""

from __future__ import annotations

DOCUMENTATION = """
module: cluster_health
short_description: Tell the health of instances as the probes of a cluster found it
version_added: 0.1.0
description:
  - Nodes of a cluster probe pods all the time. What they found is told without reaching a single pod.
author:
  - nexus-ansible contributors (!UNKNOWN)
extends_documentation_fragment:
  - nexus.automation.cluster
options:
  manifests:
    description: The directory with the environment's compiled manifests.
    type: path
    required: true
  instances:
    description: Names of the instances.
    type: list
    elements: str
    required: true
  retries:
    description: How often the cluster is asked again while an instance is not healthy.
    type: int
    default: 0
  interval:
    description: Seconds from one question to the next.
    type: float
    default: 1
  patience:
    description:
      - Seconds after which the cluster is not asked again, however many retries are left.
      - V(0) is no such limit.
    type: float
    default: 0
  fail_on_unhealthy:
    description: Whether an unhealthy instance fails the task. The message names each one with the cause.
    type: bool
    default: true
attributes:
  check_mode:
    description: It only reads.
    support: full
  diff_mode:
    description: It changes nothing.
    support: none
  idempotent:
    description: It changes nothing.
    support: full
"""

EXAMPLES = """
- name: Tell the health of two instances
  nexus.automation.cluster_health:
    manifests: "{{ playbook_dir }}/../manifests/production"
    namespace: shop-production
    instances: [backend-1, backend-2]
    retries: 10
"""

RETURN = """
healthy:
  description: Whether all instances are.
  returned: always
  type: bool
  sample: false
results:
  description: One result for each instance, in their order; as M(nexus.automation.service_health) tells it.
  returned: always
  type: list
  elements: dict
  sample:
    - name: backend-1
      healthy: true
      detail: ready
      error: null
    - name: backend-2
      healthy: false
      detail: "ImagePullBackOff: Back-off pulling image"
      error: "ImagePullBackOff: Back-off pulling image"
"""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.clusters.api import CONNECTION_SPEC, connect_cluster
from ..module_utils.clusters.environments import read_manifests
from ..module_utils.clusters.pods import observe
from ..module_utils.errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..module_utils.clusters.pods import Instance

NO_POD = "there is no pod"

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "manifests": {"type": "path", "required": True},
    "instances": {"type": "list", "elements": "str", "required": True},
    "retries": {"type": "int", "default": 0},
    "interval": {"type": "float", "default": 1},
    "patience": {"type": "float", "default": 0},
    "fail_on_unhealthy": {"type": "bool", "default": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    wanted = module.params
    try:
        labels = read_manifests(wanted["manifests"]).labels
        cluster = connect_cluster(wanted)
        end = time.monotonic() + (wanted["patience"] or float("inf"))
        found = observe(cluster, labels, datetime.now(UTC))
        for _ in range(wanted["retries"]):
            if time.monotonic() > end or all(_result(name, found)["healthy"] for name in wanted["instances"]):
                break
            time.sleep(wanted["interval"])
            found = observe(cluster, labels, datetime.now(UTC))
    except AdapterError as error:
        module.fail_json(msg=str(error))
    results = [_result(name, found) for name in wanted["instances"]]
    sick = [f"{one['name']}: {one['error']}" for one in results if not one["healthy"]]
    report = {"changed": False, "healthy": not sick, "results": results}
    if sick and wanted["fail_on_unhealthy"]:
        module.fail_json(msg="; ".join(sick), **report)
    module.exit_json(**report)


def _result(name: str, found: Mapping[str, Instance]) -> dict[str, Any]:
    instance = found.get(name)
    healthy, detail = (instance.ready, instance.detail) if instance else (False, NO_POD)
    return {"name": name, "healthy": healthy, "detail": detail, "error": None if healthy else detail}


if __name__ == "__main__":
    main()
