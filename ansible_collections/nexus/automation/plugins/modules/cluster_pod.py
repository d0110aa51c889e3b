#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have one pod of a service as the service is to be."""

from __future__ import annotations

DOCUMENTATION = """
module: cluster_pod
short_description: Have one pod of a service as the service is to be
version_added: 0.1.0
description:
  - Applies the service's StatefulSet and Secret, replaces the pod when it is of another version, and waits until it is
    ready. Other pods stay as they are until it is their turn.
  - When the pod does not become ready, the message has the reason that the cluster gives.
author:
  - nexus-ansible contributors (!UNKNOWN)
extends_documentation_fragment:
  - nexus.automation.cluster
options:
  service:
    description: The service.
    type: str
    required: true
  pod:
    description: The pod; not needed for V(good).
    type: str
  state:
    description:
      - V(present) has it as the manifest says, V(compared) only tells what that would do.
      - V(restored) has it as O(version) was, V(restarted) has it made anew.
      - V(good) remembers O(version) as one that was verified.
    type: str
    choices: [compared, good, present, restarted, restored]
    default: present
  manifest:
    description: The file with the service's compiled manifest.
    type: path
  image:
    description: The image, with its tag; what the manifest says by default.
    type: str
    default: ""
  release:
    description: The release in the image.
    type: str
    default: ""
  secrets:
    description: Values of the environment variables that the manifest takes from a Secret.
    type: dict
    default: {}
  version:
    description: A version, as RV(version) told it.
    type: str
  limit:
    description: Seconds that the pod may take to become ready.
    type: float
    default: 120
attributes:
  check_mode:
    description: Says whether the pod would be replaced.
    support: full
  diff_mode:
    description: Not supported, as manifests may tell of secrets.
    support: none
  idempotent:
    description: A pod that is ready and of the version is left alone.
    support: full
"""

EXAMPLES = """
- name: Have the second backend
  nexus.automation.cluster_pod:
    namespace: shop-production
    service: backend
    pod: backend-1
    manifest: "{{ playbook_dir }}/../manifests/production/backend.yaml"
    image: registry.example.com/shop/backend:1.4.0-4be7bda11a3c
    release: 1.4.0-4be7bda11a3c
"""

RETURN = """
version:
  description: The version of the pod; a digest of all that it is made from.
  returned: success
  type: str
  sample: 4be7bda11a3c
action:
  description: What was done, or would be; V(none), V(start) or V(restart).
  returned: success
  type: str
  sample: restart
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.clusters.api import CONNECTION_SPEC, connect_cluster
from ..module_utils.clusters.environments import read_manifests
from ..module_utils.clusters.rollout import action_for, apply_workload, go_back_to, mark_good, restart, take_to
from ..module_utils.clusters.workloads import build_workload
from ..module_utils.errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..module_utils.clusters.api import Cluster
    from ..module_utils.clusters.workloads import Workload

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "service": {"type": "str", "required": True},
    "pod": {"type": "str"},
    "state": {
        "type": "str",
        "choices": ["compared", "good", "present", "restarted", "restored"],
        "default": "present",
    },
    "manifest": {"type": "path"},
    "image": {"type": "str", "default": ""},
    "release": {"type": "str", "default": ""},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "version": {"type": "str"},
    "limit": {"type": "float", "default": 120},
}
REQUIRED_IF = [
    ("state", "compared", ("manifest", "pod")),
    ("state", "good", ("version",)),
    ("state", "present", ("manifest", "pod")),
    ("state", "restarted", ("pod",)),
    ("state", "restored", ("pod", "version")),
]


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, required_if=REQUIRED_IF, supports_check_mode=True)
    try:
        result = act(connect_cluster(module.params), module.params, check_mode=module.check_mode)
    except AdapterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def act(cluster: Cluster, options: Mapping[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Do what the state asks for; return the result. Raises AdapterError."""
    state = options["state"]
    if state in {"compared", "present"}:
        return _have(cluster, options, only_look=check_mode or state == "compared")
    if not check_mode:
        if state == "good":
            mark_good(cluster, options["service"], options["version"])
        elif state == "restored":
            go_back_to(cluster, options["service"], options["version"])
            take_to(cluster, options["pod"], options["version"], options["limit"])
        else:
            restart(cluster, options["pod"], options["limit"])
    return {"changed": True, "version": options["version"], "action": "none" if state == "good" else "restart"}


def _have(cluster: Cluster, options: Mapping[str, Any], *, only_look: bool) -> dict[str, Any]:
    workload = _workload(options)
    action = action_for(cluster.get(cluster.path("v1", "Pod", options["pod"])), workload.version)
    if not only_look:
        apply_workload(cluster, workload)
        take_to(cluster, options["pod"], workload.version, options["limit"])
    changed = action != "none" and options["state"] == "present"
    return {"changed": changed, "version": workload.version, "action": action}


def _workload(options: Mapping[str, Any]) -> Workload:
    manifest = Path(options["manifest"])
    documents = read_manifests(str(manifest.parent)).files.get(manifest.stem, [])
    secrets = {name: str(value) for name, value in options["secrets"].items()}
    return build_workload(documents, options["image"], options["release"], secrets)


if __name__ == "__main__":
    main()
