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
  - Adds an address to a pool of a running reverse proxy, or takes it out and waits until it works on no request.
  - Tasks that change the same pool at the same time do not undo each other's changes.
  - Caddy loses connections that arrive while it loads a configuration. To lose none, let its configuration name each
    upstream by a gate, C({"dial":"{file.<folder>/<host>_<port>}"}), and give the handler a C(try_duration). The module
    then writes that file, which Caddy reads at each request, and changes no configuration. A gate that is missing is
    closed. The module must run on Caddy's host.
  - An upstream without a gate is added to the running configuration or removed from it. That lasts until the
    configuration is loaded anew, and can lose requests.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  proxy:
    description: The kind of proxy.
    type: str
    default: caddy
    choices: [caddy]
  admin:
    description: The address of its admin API, C(host:port) or C(unix/<path>).
    type: str
    required: true
  pool:
    description: The pool; for Caddy the reverse_proxy handler with this C(@id).
    type: str
    required: true
  address:
    description: The upstream as C(host:port).
    type: str
    required: true
  state:
    description:
      - V(admitted) hands requests to it.
      - V(drained) hands no new ones to it and waits for those in flight.
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
    description: Says what it would change. A proxy that does not run yet is taken for one with an empty pool.
    support: full
  diff_mode:
    description: Shows the pool's upstreams before and after.
    support: full
  idempotent:
    description: An upstream that is in the pool already, or drained already, is left alone.
    support: full
"""

EXAMPLES = """
- name: Take the second backend out of service
  nexus.automation.proxy_upstream:
    admin: unix//run/nexus/caddy.sock
    pool: backend
    address: 127.0.0.1:8002
    state: drained
    drain_timeout: 60

- name: Put it back
  nexus.automation.proxy_upstream:
    admin: unix//run/nexus/caddy.sock
    pool: backend
    address: 127.0.0.1:8002
    state: admitted
"""

RETURN = """
upstreams:
  description: The pool's upstreams, read back; in check mode what they would be.
  returned: success
  type: list
  elements: str
  sample: [127.0.0.1:8001, 127.0.0.1:8003]
in_flight:
  description: How many requests the upstream still works on.
  returned: success
  type: int
  sample: 0
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError, UnreachableError
from ..module_utils.proxies import PROXIES, Proxy, wait_until_drained

ARGUMENT_SPEC: dict[str, Any] = {
    "proxy": {"type": "str", "default": "caddy", "choices": sorted(PROXIES)},
    "admin": {"type": "str", "required": True},
    "pool": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "state": {"type": "str", "default": "admitted", "choices": ["admitted", "drained"]},
    "drain_timeout": {"type": "float", "default": 30},
    "on_timeout": {"type": "str", "default": "fail", "choices": ["fail", "proceed"]},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    parameters = module.params
    try:
        proxy = PROXIES[parameters["proxy"]](parameters["admin"])
        result = predict(proxy, parameters) if module.check_mode else ensure(proxy, parameters)
    except AdapterError as error:
        module.fail_json(msg=str(error))
    if result["in_flight"] and parameters["state"] == "drained" and not module.check_mode:
        left = _left_over(parameters, result["in_flight"])
        if parameters["on_timeout"] == "fail":
            module.fail_json(msg=left, **result)
        module.warn(left)
    module.exit_json(**result)


def ensure(proxy: Proxy, parameters: dict[str, Any]) -> dict[str, Any]:
    """Admit or drain the upstream."""
    pool, address = parameters["pool"], parameters["address"]
    before = proxy.upstreams(pool)
    if parameters["state"] == "admitted":
        proxy.admit(pool, address)
        in_flight = proxy.requests_in_flight(address)
    else:
        proxy.withdraw(pool, address)
        in_flight = wait_until_drained(proxy, address, parameters["drain_timeout"])
    return _report(before, proxy.upstreams(pool), address, in_flight)


def predict(proxy: Proxy, parameters: dict[str, Any]) -> dict[str, Any]:
    """Say what `ensure` would do."""
    address = parameters["address"]
    try:
        before, in_flight = proxy.upstreams(parameters["pool"]), proxy.requests_in_flight(address)
    except UnreachableError:
        before, in_flight = (), 0
    after = tuple(other for other in before if other != address)
    if parameters["state"] == "admitted":
        after = before if address in before else (*before, address)
    return _report(before, after, address, in_flight)


def _report(before: tuple[str, ...], after: tuple[str, ...], address: str, in_flight: int) -> dict[str, Any]:
    return {
        # Others may have changed the pool meanwhile: only this address is this task's doing.
        "changed": (address in before) != (address in after),
        "upstreams": list(after),
        "in_flight": in_flight,
        "diff": {"before": _lines(before), "after": _lines(after)},
    }


def _lines(addresses: tuple[str, ...]) -> str:
    return "".join(f"{address}\n" for address in addresses)


def _left_over(parameters: dict[str, Any], in_flight: int) -> str:
    return (
        f"{parameters['address']} still works on {in_flight} requests {parameters['drain_timeout']:g} s after it was "
        f"taken out of pool {parameters['pool']}. Raise drain_timeout, or set on_timeout: proceed to lose them."
    )


if __name__ == "__main__":
    main()
