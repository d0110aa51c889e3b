#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make a request to a pod through the API of its cluster."""

from __future__ import annotations

DOCUMENTATION = """
module: cluster_request
short_description: Make a request to a pod through the API of its cluster
version_added: 0.1.0
description:
  - Makes an HTTP request by way of the API server (C(pods/proxy)), so whoever runs the module need not reach pods.
author:
  - nexus-ansible contributors (!UNKNOWN)
extends_documentation_fragment:
  - nexus.automation.cluster
options:
  pod:
    description: The pod.
    type: str
    required: true
  port:
    description: The port that it listens on.
    type: int
    required: true
  path:
    description: The path of the request.
    type: str
    required: true
  name:
    description: What messages call the request; its path by default.
    type: str
  method:
    description: Its method.
    type: str
    default: GET
  statuses:
    description: Statuses of which one must come back.
    type: list
    elements: int
    default: [200]
  contains:
    description: Text that the answer must contain.
    type: str
    default: ""
  retries:
    description: How often it is made again, a second later, when the answer is not what must come back.
    type: int
    default: 5
attributes:
  check_mode:
    description: The request is made.
    support: full
  diff_mode:
    description: It changes nothing itself.
    support: none
  idempotent:
    description: It tells of no changes. What the request does is the business of whoever answers it.
    support: full
"""

EXAMPLES = """
- name: Get the front page through the proxy
  nexus.automation.cluster_request:
    namespace: shop-production
    pod: proxy-0
    port: 8080
    path: /
    contains: visits
"""

RETURN = """
status:
  description: The status that came back.
  returned: success
  type: int
  sample: 200
"""

import time
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.clusters.api import CONNECTION_SPEC, connect_cluster
from ..module_utils.errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..module_utils.clusters.api import Cluster

ARGUMENT_SPEC: dict[str, Any] = {
    **CONNECTION_SPEC,
    "pod": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "path": {"type": "str", "required": True},
    "name": {"type": "str"},
    "method": {"type": "str", "default": "GET"},
    "statuses": {"type": "list", "elements": "int", "default": [200]},
    "contains": {"type": "str", "default": ""},
    "retries": {"type": "int", "default": 5},
}
PAUSE_S = 1


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        status = answer_to(connect_cluster(module.params), module.params)
    except AdapterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, status=status)


def answer_to(cluster: Cluster, request: Mapping[str, Any]) -> int:
    """The status of the answer. Raises AdapterError when it is not what must come back."""
    path = f"{cluster.path('v1', 'Pod', request['pod'])}:{request['port']}/proxy{request['path']}"
    for left in range(request["retries"], -1, -1):
        status, text = cluster.raw(request["method"], path)
        if status in request["statuses"] and request["contains"] in text:
            return status
        if left:
            time.sleep(PAUSE_S)
    expected = " or ".join(map(str, request["statuses"]))
    wanted = f"{expected} and {request['contains']!r}" if request["contains"] else expected
    raise AdapterError(f"{request['name'] or request['path']}: expected {wanted}, got {status}: {text[:200]}")


if __name__ == "__main__":
    main()
