# SPDX-License-Identifier: Apache-2.0
"""Loopback ports that no other test process takes in between."""

from __future__ import annotations

import random
import socket

FIRST_PORT = 15_000
LAST_PORT = 32_000  # Linux hands out ports above 32767 to clients, which could take a free one at any moment

_reservations: list[socket.socket] = []


def free_port() -> int:
    """Return a free TCP port of 127.0.0.1, reserved for this process until it ends.

    The reservation is an abstract Unix socket named after the port, so parallel test processes see each other's
    and nothing is left behind.
    """
    candidates = list(range(FIRST_PORT, LAST_PORT))
    random.SystemRandom().shuffle(candidates)
    for port in candidates:
        if _reserve(port):
            return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT} on 127.0.0.1")


def free_ports(count: int) -> list[int]:
    """Return `count` different ports as `free_port` does."""
    return [free_port() for _ in range(count)]


def _reserve(port: int) -> bool:
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        reservation.bind(f"\0nexus-ansible-test-port-{port}")
    except OSError:
        reservation.close()
        return False
    if not _bindable(port):
        reservation.close()
        return False
    _reservations.append(reservation)
    return True


def _bindable(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
