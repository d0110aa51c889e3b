# SPDX-License-Identifier: Apache-2.0
"""Tar archives as streams: the same bytes for the same members, whatever the version of Python.

Format: POSIX.1-2001, "pax Interchange Format". The standard library's tarfile fills some fields differently from one
version to the next, which would change the digest of a layer, and it wants a file to write to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import IO

BLOCK = 512
CHUNK = 1_048_576
END = bytes(2 * BLOCK)

FILE, LINK, DIRECTORY, EXTENSION = b"0", b"2", b"5", b"x"
NAME_LIMIT = 100  # bytes of a name in the header itself
SIZE_LIMIT = 8**11 - 1  # bytes of a file, in the header itself: 8 GiB


@dataclass(frozen=True)
class Content:
    """Bytes that are read anew each time they are needed, `size` of them."""

    size: int
    read: Callable[[], Iterable[bytes]]


NOTHING = Content(0, tuple)


@dataclass(frozen=True)
class Member:
    """A file, directory or symbolic link of root's, with the time 0; `name` is relative and uses slashes."""

    name: str
    mode: int
    kind: bytes = FILE
    content: Content = NOTHING
    target: str = ""


def stream_tar(members: Iterable[Member]) -> Iterator[bytes]:
    """Yield the archive of `members`, piece by piece.

    Raises AdapterError when the content of one has another size than it said.
    """
    for member in members:
        yield _header(member)
        found = 0
        for chunk in member.content.read():
            found += len(chunk)
            yield chunk
        if found != member.content.size:
            raise AdapterError(
                f"{member.name} has {found} bytes instead of {member.content.size}: it changed while it was read. "
                "Try again when nobody writes to it."
            )
        yield bytes(-found % BLOCK)
    yield END


def content_of(text: bytes) -> Content:
    """Return content that is held in memory."""
    return Content(len(text), lambda: (text,))


def read_chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the rest of `stream` in pieces."""
    return iter(lambda: stream.read(CHUNK), b"")


def _header(member: Member) -> bytes:
    name = f"{member.name}/" if member.kind == DIRECTORY else member.name
    size = member.content.size
    records = b"".join(
        _record(key, value)
        for key, value, fits in (
            ("linkpath", member.target, _fits(member.target)),
            ("path", name, _fits(name)),
            ("size", str(size), size <= SIZE_LIMIT),
        )
        if not fits
    )
    block = _block(_short(name), member.mode, size if size <= SIZE_LIMIT else 0, member.kind, _short(member.target))
    if not records:
        return block
    return _block(b"././@PaxHeader", 0, len(records), EXTENSION, b"") + records + bytes(-len(records) % BLOCK) + block


def _fits(name: str) -> bool:
    return name.isascii() and len(name) <= NAME_LIMIT


def _short(name: str) -> bytes:
    return name.encode("ascii", "replace")[:NAME_LIMIT]


def _record(key: str, value: str) -> bytes:
    # A record begins with its own length, whose digits count too.
    rest = f" {key}={value}\n".encode()
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _block(name: bytes, mode: int, size: int, kind: bytes, target: bytes) -> bytes:
    numbers = b"%07o\0%07o\0%07o\0%011o\0%011o\0" % (mode, 0, 0, size, 0)
    before = name.ljust(100, b"\0") + numbers
    after = kind + target.ljust(100, b"\0") + b"ustar\x0000"
    rest = (before + b" " * 8 + after).ljust(BLOCK, b"\0")
    checksum = b"%06o\0 " % sum(rest)
    return (before + checksum + after).ljust(BLOCK, b"\0")
