# SPDX-License-Identifier: Apache-2.0
"""Loopback ports that no other test process takes in between."""

from __future__ import annotations

import random
import socket

FIRST_PORT = 10_000
LAST_PORT = 19_999  # a platform's own instances begin at 20000, and Linux hands out ports above 32767 to clients

_reservations: list[socket.socket] = []


def free_port() -> int:
    """Return a free TCP port of 127.0.0.1, reserved for this process until it ends.

    The reservation is an abstract Unix socket named after the port, so parallel test processes see each other's
    and nothing is left behind.
    """
    return free_range(1)[0]


def free_ports(count: int) -> list[int]:
    """Return `count` different ports as `free_port` does."""
    return [free_port() for _ in range(count)]


def free_range(count: int) -> range:
    """Return `count` free ports in a row, reserved as `free_port` does.

    Raises:
        OSError: there is no such row.
    """
    candidates = list(range(FIRST_PORT, LAST_PORT + 2 - count))
    random.SystemRandom().shuffle(candidates)
    for first in candidates:
        row = range(first, first + count)
        held = [reservation for port in row if (reservation := _reserve(port)) is not None]
        if len(held) == count:
            _reservations.extend(held)
            return row
        for reservation in held:
            reservation.close()
    raise OSError(f"no {count} free ports in a row between {FIRST_PORT} and {LAST_PORT} on 127.0.0.1")


def _reserve(port: int) -> socket.socket | None:
    reservation = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        reservation.bind(f"\0nexus-ansible-test-port-{port}")
    except OSError:
        reservation.close()
        return None
    if not _bindable(port):
        reservation.close()
        return None
    return reservation


def _bindable(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
