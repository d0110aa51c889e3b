# SPDX-License-Identifier: Apache-2.0
"""Pools of Caddy: the reverse_proxy handlers that have an `@id`, and upstreams that are gates.

Loading a configuration, Caddy cuts off connections that it keeps alive and ones that arrive at that moment. So nothing
here does: an upstream is `{"dial": "{file.<folder>/<its name>}"}`, and changes are made to that file. The handler needs
a `try_duration`, by which Caddy tries the next upstream when it met a closed gate.
"""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.parse import quote

from ..errors import AdapterError
from .admin_api import AdminApi
from .gates import close_gate, open_gate, read_gate

PREFIX, SUFFIX = "{file.", "}"


class CaddyProxy:
    """One Caddy on this host; `admin` is `host:port` or `unix/<path>`."""

    def __init__(self, admin: str) -> None:
        self._api = AdminApi("Caddy", admin)

    def upstreams(self, pool: str) -> dict[str, str]:
        """Return what each of the pool's gates holds, by its name: an address, or nothing when it is closed."""
        return {gate.name: read_gate(gate) for gate in self._gates(pool)}

    def admit(self, pool: str, upstream: str, address: str) -> None:
        """Open the gate."""
        gates = {gate.name: gate for gate in self._gates(pool)}
        if upstream not in gates:
            known = ", ".join(gates) or "none"
            raise AdapterError(
                f'pool {pool} of Caddy at {self._api.address} has no gate "{upstream}"; there are: {known}. '
                "Load a configuration into Caddy that names it."
            )
        open_gate(gates[upstream], address)

    def withdraw(self, pool: str, upstream: str) -> None:
        """Close the gate; an upstream without one gets no requests anyway."""
        for gate in self._gates(pool):
            if gate.name == upstream:
                close_gate(gate)

    def requests_in_flight(self, address: str) -> int:
        """Return the number Caddy itself keeps; it goes on counting when the gate is closed."""
        hosts = self._api.get_list("/reverse_proxy/upstreams")
        return sum(int(host["num_requests"]) for host in hosts if host["address"] == address)

    def _gates(self, pool: str) -> list[Path]:
        answer = self._api.request(f"/id/{quote(pool, safe='')}/upstreams")
        if answer.status == http.client.NOT_FOUND:
            raise AdapterError(
                f'Caddy at {self._api.address} has no pool "{pool}": no handler with "@id": "{pool}". '
                "Correct the name, or give the reverse_proxy handler that @id."
            )
        self._api.require_ok(answer)
        dials = [str(upstream["dial"]) for upstream in json.loads(answer.body) or []]
        return [gate for gate in map(gate_of, dials) if gate is not None]


def gate_of(dial: str) -> Path | None:
    """Return the gate that an upstream's address names, or None when it is a plain address."""
    if not dial.startswith(PREFIX) or not dial.endswith(SUFFIX):
        return None
    return Path(dial[len(PREFIX) : -len(SUFFIX)])
