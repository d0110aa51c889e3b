# SPDX-License-Identifier: Apache-2.0
"""Files in containers, which an engine takes and gives as archives (`PUT` and `GET /containers/{id}/archive`)."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .layout import USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SMALL_FILE = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file, a link where `link` says to what, or a directory where `content` and `link` are None.

    `path` is relative to where the archive is unpacked. `own` says that it is the instance's user's, and not root's.
    """

    path: str
    content: str | None = None
    mode: int = 0o644
    own: bool = False
    link: str | None = None


def pack(entries: Iterable[Entry]) -> bytes:
    """An archive of the entries, in their order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for entry in entries:
            member, data = _member(entry)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def unpack(chunks: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Path and text of each small file in an archive."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() and member.size < SMALL_FILE else None
            if stream is not None:
                yield member.name, stream.read().decode(errors="replace")


def _member(entry: Entry) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(entry.path)
    member.mode = entry.mode
    if entry.own:
        member.uid = member.gid = USER
    if entry.link is not None:
        member.type, member.linkname = tarfile.SYMTYPE, entry.link
        return member, b""
    if entry.content is None:
        member.type = tarfile.DIRTYPE
        return member, b""
    data = entry.content.encode()
    member.size = len(data)
    return member, data
