#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell what an environment runs in a cluster."""

from __future__ import annotations

DOCUMENTATION = """
module: cluster_info
short_description: Tell what an environment runs in a cluster
version_added: 0.1.0
description:
  - Looks at the pods of an environment, and what each of them runs.
author:
  - nexus-ansible contributors (!UNKNOWN)
extends_documentation_fragment:
  - nexus.automation.cluster
options:
  manifests:
    description: The directory with the environment's compiled manifests.
    type: path
    required: true
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
- name: Look at the cluster
  nexus.automation.cluster_info:
    manifests: "{{ playbook_dir }}/../manifests/production"
    namespace: shop-production
"""

RETURN = """
instances:
  description: By instance, what its pod runs.
  returned: success
  type: dict
  sample:
    backend-1:
      state: running
      ready: true
      pid: 4be7bda11a3c
      uptime: 12.5
      version: 08d4f1c3a1ba
      good: 08d4f1c3a1ba
      release: 1.4.0-4be7bda11a3c
      detail: ready
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.clusters.api import CONNECTION_SPEC, connect_cluster
from ..module_utils.clusters.environments import read_manifests
from ..module_utils.clusters.pods import observe
from ..module_utils.errors import AdapterError

ARGUMENT_SPEC: dict[str, Any] = {**CONNECTION_SPEC, "manifests": {"type": "path", "required": True}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        labels = read_manifests(module.params["manifests"]).labels
        instances = observe(connect_cluster(module.params), labels, datetime.now(UTC))
    except AdapterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, instances={name: asdict(one) for name, one in instances.items()})


if __name__ == "__main__":
    main()
