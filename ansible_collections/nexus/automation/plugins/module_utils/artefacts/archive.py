# SPDX-License-Identifier: Apache-2.0
"""Archives with the same bytes for the same files, whoever packs them, where and when."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .source_tree import Entry

COMPRESSION = 6


def write_archive(entries: Sequence[Entry], path: Path) -> None:
    """Pack `entries` into the gzipped tar `path`.

    Times are 0, owners root, modes 0755 or 0644, and gzip's header holds neither name nor time.
    """
    with path.open("wb") as raw, gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as packed, _tar(packed) as archive:
        for entry in entries:
            _add(archive, entry)


def unpack_archive(path: Path, target: Path) -> None:
    """Unpack `path` below the empty directory `target`.

    Raises AdapterError for members that are neither files, directories nor links, or that leave `target`.
    """
    root = target.resolve()
    with open_archive(path) as archive:
        for member in archive:
            _unpack_member(archive, member, root, path)


def differing_members(path: Path, target: Path) -> Iterator[str]:
    """Yield the names of members of `path` that are missing or different below `target`."""
    with open_archive(path) as archive:
        for member in archive:
            place = target / member.name
            if not _is_same(archive, member, place):
                yield member.name


def open_archive(path: Path) -> tarfile.TarFile:
    """Open an artefact for reading; raise AdapterError when it is none."""
    try:
        return tarfile.open(path, "r:gz")
    except (OSError, tarfile.TarError, EOFError) as error:
        raise _none(path, error) from error


def list_members(path: Path) -> list[tarfile.TarInfo]:
    """Return the members of the artefact `path` in its order; raise AdapterError when it is none."""
    with open_archive(path) as archive:
        try:
            return archive.getmembers()
        except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
            raise _none(path, error) from error


def _none(path: Path, error: Exception) -> AdapterError:
    return AdapterError(f"{path} is no artefact: {error}. Build it again.")


def _tar(stream: gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT)


def _add(archive: tarfile.TarFile, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.name)
    info.mode, info.mtime, info.uid, info.gid, info.uname, info.gname = entry.mode, 0, 0, 0, "", ""
    if entry.is_link:
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(entry.path)  # noqa: PTH115 - see source_tree
        archive.addfile(info)
    elif entry.is_directory:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    else:
        content = entry.path.read_bytes()
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))


def _unpack_member(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path, path: Path) -> None:
    place = root / member.name
    if not _stays_inside(member, place, root):
        raise AdapterError(f"{path}: the member {member.name!r} leaves the release. Do not use this artefact.")
    if member.isdir():
        place.mkdir(exist_ok=True)
        place.chmod(0o755)
    elif member.issym():
        place.symlink_to(member.linkname)
    else:
        place.write_bytes(_content(archive, member))
        place.chmod(0o755 if member.mode & 0o100 else 0o644)


def _stays_inside(member: tarfile.TarInfo, place: Path, root: Path) -> bool:
    names = PurePosixPath(member.name)
    if names.is_absolute() or ".." in names.parts or not (member.isreg() or member.isdir() or member.issym()):
        return False
    parent = place.parent.resolve()
    if root not in (parent, *parent.parents) or place.is_symlink():
        return False
    if not member.issym():
        return True
    inside = Path(os.path.normpath(parent / member.linkname))
    return not PurePosixPath(member.linkname).is_absolute() and root in (inside, *inside.parents)


def _is_same(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> bool:
    if member.issym():
        return place.is_symlink() and os.readlink(place) == member.linkname  # noqa: PTH115 - see source_tree
    if member.isdir():
        return place.is_dir()
    return place.is_file() and place.read_bytes() == _content(archive, member)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream is not None, "only regular files are read"
    with stream:
        return stream.read()
