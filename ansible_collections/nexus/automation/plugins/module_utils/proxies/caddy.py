# SPDX-License-Identifier: Apache-2.0
"""Pools of Caddy: the reverse_proxy handlers that have an `@id`.

Loading a configuration, Caddy loses the connections that arrive at that moment, so a pool that must lose none names
its upstreams by gates: `{"dial": "{file.<folder>/<host>_<port>}"}`. Caddy reads such a file at each request. A gate
that holds the address admits it; one that is missing or holds a socket that does not exist makes Caddy try the next
upstream, provided that the handler has a `try_duration`. Upstreams without a gate are added and removed by the admin
API.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import AdapterError
from ..files import read_text, write_text
from .caddy_admin import ATTEMPTS, CaddyAdmin, pause

if TYPE_CHECKING:
    from collections.abc import Callable

GATE_MODE = 0o644


class CaddyProxy:
    """One Caddy; `admin` is `host:port` or `unix/<path>`. Gates must be files of the host this runs on."""

    def __init__(self, admin: str) -> None:
        self._api = CaddyAdmin(admin)

    def upstreams(self, pool: str) -> tuple[str, ...]:
        """Return the addresses of open gates and of upstreams without gates."""
        return tuple(address for address in map(_address, self._read(pool).entries) if address is not None)

    def admit(self, pool: str, address: str) -> None:
        """Open the address's gate, or add it to the configuration when it has none."""
        gate = _find_gate(self._read(pool).entries, address)
        if gate is not None:
            _set(gate, address)
            return
        self._change(pool, lambda entries: _with(entries, address))

    def withdraw(self, pool: str, address: str) -> None:
        """Close the address's gate, or remove it from the configuration when it has none."""
        gate = _find_gate(self._read(pool).entries, address)
        if gate is not None:
            _set(gate, closed_gate(gate.parent))
            return
        self._change(pool, lambda entries: [entry for entry in entries if entry["dial"] != address])

    def requests_in_flight(self, address: str) -> int:
        """Return the number Caddy itself keeps; it goes on counting what a removed upstream still works on."""
        hosts = self._api.get_list("/reverse_proxy/upstreams")
        return sum(int(host["num_requests"]) for host in hosts if host["address"] == address)

    def _read(self, pool: str) -> _Pool:
        answer = self._api.request("GET", _path(pool))
        if answer.status == http.client.NOT_FOUND:
            raise AdapterError(
                f'Caddy at {self._api.address} has no pool "{pool}": no handler with "@id": "{pool}". '
                "Correct the name, or give the reverse_proxy handler that @id."
            )
        self._api.require_ok(answer)
        return _Pool(json.loads(answer.body) or [], answer.etag)

    def _change(self, pool: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
        for _ in range(ATTEMPTS):
            before = self._read(pool)
            after = change(before.entries)
            if after == before.entries:
                return
            answer = self._api.request("PATCH", _path(pool), json.dumps(after), {"If-Match": before.etag})
            if answer.status != http.client.PRECONDITION_FAILED:
                self._api.require_ok(answer)
                return
            pause()
        raise AdapterError(
            f"pool {pool} was changed by others {ATTEMPTS} times in a row. Try again when they are done."
        )


def gate_path(folder: Path, address: str) -> Path:
    """Return the gate of `address` in `folder`; a pool names it by `{"dial": "{file.<this path>}"}`."""
    return folder / address.replace(":", "_")


def closed_gate(folder: Path) -> str:
    """Return what a closed gate in `folder` holds: the address of a socket that never exists."""
    return f"unix/{folder / 'closed'}"


@dataclass(frozen=True)
class _Pool:
    entries: list[dict[str, Any]]
    etag: str


def _path(pool: str) -> str:
    return f"/id/{quote(pool, safe='')}/upstreams"


def _gate(entry: dict[str, Any]) -> Path | None:
    dial = str(entry["dial"])
    return Path(dial[len("{file.") : -1]) if dial.startswith("{file.") and dial.endswith("}") else None


def _address(entry: dict[str, Any]) -> str | None:
    gate = _gate(entry)
    if gate is None:
        return str(entry["dial"])
    text = (read_text(gate) or "").strip()
    return text if text and text != closed_gate(gate.parent) else None


def _find_gate(entries: list[dict[str, Any]], address: str) -> Path | None:
    gates = [gate for gate in map(_gate, entries) if gate is not None]
    return next((gate for gate in gates if gate == gate_path(gate.parent, address)), None)


def _with(entries: list[dict[str, Any]], address: str) -> list[dict[str, Any]]:
    present = any(entry["dial"] == address for entry in entries)
    return entries if present else [*entries, {"dial": address}]


def _set(gate: Path, text: str) -> None:
    if read_text(gate) != text:
        write_text(gate, text, GATE_MODE)
