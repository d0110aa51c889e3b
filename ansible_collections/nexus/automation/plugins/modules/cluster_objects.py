#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have the objects of compiled manifests in a cluster, and no others of the environment."""

from __future__ import annotations

DOCUMENTATION = """
module: cluster_objects
short_description: Have the objects of compiled manifests in a cluster
version_added: 0.1.0
description:
  - Applies what services stand on (namespace, services, policies, budgets, autoscalers, configuration) on the side of
    the server, so that fields of others stay theirs. Their pods are the business of M(nexus.automation.cluster_pod).
  - Each kind is applied in an API version that the cluster has.
author:
  - nexus-ansible contributors (!UNKNOWN)
extends_documentation_fragment:
  - nexus.automation.cluster
options:
  manifests:
    description: The directory with the environment's compiled manifests.
    type: path
    required: true
  state:
    description:
      - V(present) applies, V(pruned) removes what the manifests do not have any more and the pods that are too many.
      - V(absent) removes everything of the environment. Claims of volumes stay, and so does the namespace.
    type: str
    choices: [absent, present, pruned]
    default: present
  remove_data:
    description: Whether V(absent) removes claims of volumes, too.
    type: bool
    default: false
attributes:
  check_mode:
    description: The server is asked what it would do (dry run), and does not do it.
    support: full
  diff_mode:
    description: Not supported, the result C(changes) tells it.
    support: none
  idempotent:
    description: Objects that are as they should be are not changed.
    support: full
"""

EXAMPLES = """
- name: Have what the services stand on
  nexus.automation.cluster_objects:
    manifests: "{{ playbook_dir }}/../manifests/production"
    namespace: shop-production
"""

RETURN = """
changes:
  description: What was done, or would be.
  returned: success
  type: list
  elements: dict
  sample: [{what: Service/backend, action: created}]
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.clusters.api import CONNECTION_SPEC, connect_cluster
from ..module_utils.clusters.environments import Manifests, ensure_absent, ensure_present, ensure_pruned, read_manifests
from ..module_utils.errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..module_utils.clusters.api import Cluster
    from ..module_utils.clusters.objects import Change

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "manifests": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["absent", "present", "pruned"], "default": "present"},
    "remove_data": {"type": "bool", "default": False},
}
STATES: dict[str, Callable[[Cluster, Manifests, bool], Iterator[Change]]] = {
    "present": ensure_present,
    "pruned": ensure_pruned,
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    options = module.params
    try:
        cluster, manifests = connect_cluster(options), read_manifests(options["manifests"])
        if options["state"] == "absent":
            changes = list(ensure_absent(cluster, manifests, module.check_mode, remove_data=options["remove_data"]))
        else:
            changes = list(STATES[options["state"]](cluster, manifests, module.check_mode))
    except AdapterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changes), changes=[asdict(change) for change in changes])


if __name__ == "__main__":
    main()
