#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Admit an upstream to a proxy's pool or drain it."""

from __future__ import annotations

DOCUMENTATION = """
module: proxy_upstream
short_description: Admit an upstream to a proxy's pool or drain it
version_added: 0.1.0
description:
  - Lets a pool of a running reverse proxy hand requests to an upstream, or takes that away and waits until the upstream
    works on no request.
  - Each upstream has a gate, a file that holds its address when it is admitted. M(nexus.automation.proxy_gates) makes
    such files. The module must run on the proxy's host.
  - Caddy's configuration names the gates, C({"dial":"{file.<folder>/<upstream>}"}), and gives the handler a
    C(try_duration). Caddy reads them at each request, so that no configuration is loaded, which would cut connections
    off.
  - nginx's configuration has an C(upstream) block for the pool that includes C(<folder of servers>/<pool>.conf). The
    module writes the open gates into that file, has nginx test and load it, and waits until new workers serve it. Old
    ones finish the requests that they have and close connections without one. It must run as nginx's user or as root.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  proxy:
    description: The kind of proxy.
    type: str
    default: caddy
    choices: [caddy, nginx]
  admin:
    description:
      - Where it tells of itself over HTTP, C(host:port) or C(unix/<path>).
      - For V(caddy) that is its admin API.
      - For V(nginx) it is a server of its configuration that answers C(/layout) with a JSON object of C(program) (path
        of nginx), C(configuration), C(pid_file), C(gates) and C(servers) (folders), and C(pools) (the upstreams' names
        by pool).
    type: str
    required: true
  pool:
    description: The pool; for Caddy the reverse_proxy handler with this C(@id), for nginx the C(upstream) block.
    type: str
    required: true
  upstream:
    description: The upstream's name, which is that of its gate.
    type: str
    required: true
  address:
    description:
      - Where the upstream is, as C(host:port).
      - Needed to admit it. To drain it, it is taken from the gate when it is not given.
    type: str
  state:
    description:
      - V(admitted) hands requests to it.
      - V(drained) hands no new ones to it and waits for those in flight. When its gate holds another address than
        O(address) meanwhile, the gate stays as it is.
    type: str
    default: admitted
    choices: [admitted, drained]
  drain_timeout:
    description: Seconds that requests in flight get to end.
    type: float
    default: 30
  on_timeout:
    description: Whether requests that are left after O(drain_timeout) fail the task, or it proceeds with a warning.
    type: str
    default: fail
    choices: [fail, proceed]
attributes:
  check_mode:
    description: Says what it would change. A proxy, a pool or a gate that is not there yet is taken for a closed gate.
    support: full
  diff_mode:
    description: Shows the address that requests are handed to before and after.
    support: full
  idempotent:
    description: An upstream that is admitted already, or drained already, is left alone.
    support: full
"""

EXAMPLES = """
- name: Take the second backend out of service
  nexus.automation.proxy_upstream:
    admin: unix//run/nexus/caddy.sock
    pool: backend
    upstream: backend-2
    state: drained
    drain_timeout: 60

- name: Put it back
  nexus.automation.proxy_upstream:
    admin: unix//run/nexus/caddy.sock
    pool: backend
    upstream: backend-2
    address: 127.0.0.1:8002
    state: admitted

- name: Do the same with nginx
  nexus.automation.proxy_upstream:
    proxy: nginx
    admin: unix//run/nexus/nginx.sock
    pool: backend
    upstream: backend-2
    address: 127.0.0.1:8002
"""

RETURN = """
upstreams:
  description: The addresses that the pool hands requests to, by upstream, read back; in check mode what they would be.
  returned: success
  type: dict
  sample: {"backend-1": "127.0.0.1:8001", "backend-3": "127.0.0.1:8003"}
in_flight:
  description: How many requests the upstream still works on. nginx can tell only of those from before its last change.
  returned: success
  type: int
  sample: 0
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError
from ..module_utils.proxies import PROXIES, Proxy, wait_until_drained

if TYPE_CHECKING:
    from collections.abc import Mapping

ARGUMENT_SPEC: dict[str, Any] = {
    "proxy": {"type": "str", "default": "caddy", "choices": sorted(PROXIES)},
    "admin": {"type": "str", "required": True},
    "pool": {"type": "str", "required": True},
    "upstream": {"type": "str", "required": True},
    "address": {"type": "str"},
    "state": {"type": "str", "default": "admitted", "choices": ["admitted", "drained"]},
    "drain_timeout": {"type": "float", "default": 30},
    "on_timeout": {"type": "str", "default": "fail", "choices": ["fail", "proceed"]},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_if=[("state", "admitted", ["address"])],
        supports_check_mode=True,
    )
    parameters = module.params
    try:
        proxy = PROXIES[parameters["proxy"]](parameters["admin"])
        result = predict(proxy, parameters) if module.check_mode else ensure(proxy, parameters)
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    if result["in_flight"] and parameters["state"] == "drained" and not module.check_mode:
        left = _left_over(parameters, result["in_flight"])
        if parameters["on_timeout"] == "fail":
            module.fail_json(msg=left, **result)
        module.warn(left)
    module.exit_json(**result)


def ensure(proxy: Proxy, parameters: dict[str, Any]) -> dict[str, Any]:
    """Admit or drain the upstream."""
    pool, upstream = parameters["pool"], parameters["upstream"]
    before = proxy.upstreams(pool)
    address = parameters["address"] or before.get(upstream, "")
    if parameters["state"] == "admitted":
        proxy.admit(pool, upstream, address)
        in_flight = proxy.requests_in_flight(address)
    else:
        if before.get(upstream) == address:  # not when it is at another address meanwhile
            proxy.withdraw(pool, upstream)
        in_flight = wait_until_drained(proxy, address, parameters["drain_timeout"]) if address else 0
    return _report(before, proxy.upstreams(pool), upstream, in_flight)


def predict(proxy: Proxy, parameters: dict[str, Any]) -> dict[str, Any]:
    """Say what `ensure` would do. The task that runs the proxy or loads its pools may only be predicted as well."""
    upstream, address = parameters["upstream"], parameters["address"]
    try:
        before = proxy.upstreams(parameters["pool"])
        address = address or before.get(upstream, "")
        in_flight = proxy.requests_in_flight(address)
    except AdapterError:
        before, in_flight = {}, 0
    if parameters["state"] == "admitted":
        after = {**before, upstream: address}
    else:
        after = {**before, upstream: ""} if before.get(upstream) == address else before
    return _report(before, after, upstream, in_flight)


def _report(before: Mapping[str, str], after: Mapping[str, str], upstream: str, in_flight: int) -> dict[str, Any]:
    was, is_now = before.get(upstream, ""), after.get(upstream, "")
    return {
        # Others may have changed the pool meanwhile: only this upstream is this task's doing.
        "changed": was != is_now,
        "upstreams": {name: address for name, address in after.items() if address},
        "in_flight": in_flight,
        "diff": {"before": f"{was}\n" if was else "", "after": f"{is_now}\n" if is_now else ""},
    }


def _left_over(parameters: dict[str, Any], in_flight: int) -> str:
    return (
        f"{parameters['upstream']} still works on {in_flight} requests {parameters['drain_timeout']:g} s after it was "
        f"taken out of pool {parameters['pool']}. Raise drain_timeout, or set on_timeout: proceed to lose them."
    )


if __name__ == "__main__":
    main()
