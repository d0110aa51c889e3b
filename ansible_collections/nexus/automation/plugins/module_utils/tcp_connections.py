# SPDX-License-Identifier: Apache-2.0
"""TCP connections of processes, as Linux tells of them in /proc (proc(5), "/proc/pid/fd" and "/proc/net/tcp")."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import struct
from typing import TYPE_CHECKING

from .errors import AdapterError
from .processes import PROC, resident_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REMOTE_END, INODE = 2, 9  # columns of the tables


def count_connections(pids: Iterable[int], address: str) -> int:
    """Return how many connections to `address` (`host:port`) the processes have open.

    Raises AdapterError when the host is unknown, or the processes are another user's.
    """
    ends = _remote_ends(address)
    return sum(len(_sockets(pid) & _connected(pid, ends)) for pid in pids)


def _remote_ends(address: str) -> set[str]:
    host, _, port = address.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise AdapterError(f"{address!r} is no address: {error}. Write host:port.") from error
    return {f"{_hexadecimal(family, str(end[0]))}:{int(port):04X}" for family, *_, end in found}


def _hexadecimal(family: int, host: str) -> str:
    # The tables show the bytes of an address as the machine's own 32-bit numbers.
    packed = socket.inet_pton(family, host.partition("%")[0])
    return "".join(f"{number:08X}" for number in struct.unpack(f"={len(packed) // 4}I", packed))


def _connected(pid: int, ends: set[str]) -> set[str]:
    return {columns[INODE] for columns in _rows(pid) if columns[REMOTE_END] in ends}


def _rows(pid: int) -> Iterator[list[str]]:
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):  # the process ended, or the kernel has no IPv6
            for line in (PROC / str(pid) / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
                yield line.split()


def _sockets(pid: int) -> set[str]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        try:
            return _open_sockets(pid)
        except PermissionError as error:
            if _ends(pid):
                return set()
            refused = error
        try:
            with _as_owner(pid):
                return _open_sockets(pid)
        except PermissionError:
            if not _ends(pid):
                raise AdapterError(
                    f"process {pid} is another user's, so its connections cannot be seen. "
                    "Work as that user, or as root."
                ) from refused
    return set()


def _ends(pid: int) -> bool:
    """Whether its memory is released: from then on it belongs to root, some time before it is gone."""
    return not resident_bytes(pid)


def _open_sockets(pid: int) -> set[str]:
    inodes = set()
    for descriptor in (PROC / str(pid) / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            inodes.update(re.findall(r"^socket:\[(\d+)\]$", str(descriptor.readlink())))
    return inodes


@contextlib.contextmanager
def _as_owner(pid: int) -> Iterator[None]:
    """Work as the user of a process; root in a container, which mostly lacks CAP_SYS_PTRACE, sees less than that user.

    (ptrace(2), "Ptrace access mode checking".)
    """
    owner = (PROC / str(pid)).stat()
    user, group = os.geteuid(), os.getegid()
    os.setegid(owner.st_gid)
    try:
        os.seteuid(owner.st_uid)
        yield
    finally:
        os.seteuid(user)
        os.setegid(group)
