# SPDX-License-Identifier: Apache-2.0
"""Which process listens on a TCP port, from /proc (proc_pid_net(5))."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ..processes import PROC

if TYPE_CHECKING:
    from collections.abc import Iterator

LISTEN = "0A"


def find_listeners(port: int) -> list[int]:
    """Return the ids of the processes that listen on `port` at any address, as far as they may be seen."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening_sockets(table, port)}
    return sorted(pid for pid in _pids() if inodes & set(_sockets(pid))) if inodes else []


def hides_sockets(pid: int) -> bool:
    """Say whether the kernel keeps the process's sockets from us, as it does from root in most containers."""
    try:
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            os.readlink(descriptor)  # noqa: PTH115 - new in Python 3.9
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _listening_sockets(table: str, port: int) -> Iterator[str]:
    try:
        lines = (PROC / "net" / table).read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        fields = line.split()
        if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
            yield fields[9]


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _sockets(pid: int) -> Iterator[str]:
    try:
        descriptors = list((PROC / str(pid) / "fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        try:
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor))  # noqa: PTH115 - new in Python 3.9
        except OSError:
            continue
        if found:
            yield found.group(1)
