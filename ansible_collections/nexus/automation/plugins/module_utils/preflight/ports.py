# SPDX-License-Identifier: Apache-2.0
"""Ports that must be free, or held by those who shall have them."""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..processes import family, process_name
from .listeners import find_listeners, hides_sockets

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


@dataclass(frozen=True)
class PortNeed:
    """A port that `needed_by` will listen on; `owners` are processes that may hold it already, with their children."""

    address: str
    port: int
    needed_by: str
    owners: Collection[int] = ()

    @property
    def place(self) -> str:
        """Port and address in words."""
        return f"port {self.port} of {self.address}"


def check_ports(needs: Sequence[PortNeed]) -> list[str]:
    """Say what stands in the way of listening on each port."""
    problems = []
    first: dict[tuple[str, int], PortNeed] = {}
    for need in needs:
        other = first.setdefault((need.address, need.port), need)
        if other is not need:
            both = f"{other.needed_by} and {need.needed_by}"
            problems.append(f"{need.place} is needed by {both}. Give one of them another port.")
            continue
        problem = _problem(need)
        if problem:
            problems.append(problem)
    return problems


def _problem(need: PortNeed) -> str | None:
    error = _try_to_listen(need)
    if error is None:
        return None
    wanted = f"{need.needed_by} needs it"
    if error.errno == errno.EADDRINUSE:
        return _held(need, wanted)
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{need.place}: this host has no such address; {wanted}. Correct the address."
    if error.errno == errno.EACCES:
        return f"{need.place} is reserved for root; {wanted}. Choose a port above 1023."
    return f"{need.place} cannot be used ({error.strerror or error}); {wanted}. Choose another address or port."


def _try_to_listen(need: PortNeed) -> OSError | None:
    version = socket.AF_INET6 if ":" in need.address else socket.AF_INET
    try:
        with socket.socket(version, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((need.address, need.port))
            probe.listen(1)
    except OSError as error:
        return error
    return None


def _held(need: PortNeed, wanted: str) -> str | None:
    holders = find_listeners(need.port)
    welcome = {process.pid for process in family(need.owners)} if need.owners else set()
    if welcome.issuperset(holders) and (holders or any(hides_sockets(pid) for pid in welcome)):
        return None
    strangers = [f"process {pid} ({process_name(pid)})" for pid in holders if pid not in welcome]
    who = ", ".join(strangers) or "a process that cannot be seen from here (root can)"
    return f"{need.place} is held by {who}; {wanted}. End that process or choose another port."
