# SPDX-License-Identifier: Apache-2.0
"""New layers of an image (OCI image specification 1.1, "Image Layer Filesystem Changeset").

Everything in them is root's, with the time 0, the modes 0755 and 0644 unless told otherwise, and in order of its name.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ..artefacts.archive import list_members, open_archive
from ..errors import AdapterError
from .blobs import Blob, measure
from .tar_stream import DIRECTORY, LINK, Content, Member, content_of, read_chunks, stream_tar

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator, Mapping, Sequence

    from ..artefacts.build import Artefact

WHITEOUT = ".wh."  # a name that begins so removes something of the layers below

# A directory of a layer hides a link of that name below, and with it all that the link leads to.
LINKS = {"bin", "lib", "lib32", "lib64", "libx32", "sbin", "var/lock", "var/run"}
# What a layer says of a directory replaces what the base says.
MODES = {"root": 0o700, "run/lock": 0o1777, "tmp": 0o1777, "var/tmp": 0o1777}


@dataclass(frozen=True)
class Layer:
    """A layer, uncompressed, so that its blob's digest is its diff id too; `origin` says what it was made of."""

    blob: Blob
    origin: str


def artefact_layer(artefact: Artefact, dest: str) -> Layer:
    """Return the layer that has the content of `artefact` in the directory `dest`.

    The artefact is read again whenever the layer is. Raises AdapterError for members that leave `dest`, or that an
    image cannot hold.
    """
    root = place_in_image(dest)
    listed = list_members(artefact.path)
    where = str(artefact.path)

    def read() -> Iterator[bytes]:
        with open_archive(artefact.path) as archive:
            members = [_directory(root), *(_member(archive, info, root, where) for info in listed)]
            yield from stream_tar(_in_order(members, where))

    return Layer(measure(read), f"{artefact.release_id} in /{root}")


def files_layer(files: Sequence[Mapping[str, Any]]) -> Layer:
    """Return the layer of some files, each with `path`, `content` (text) and `mode` (octal digits).

    Raises AdapterError for paths and modes that are none.
    """
    members = [
        Member(place_in_image(file["path"]), _mode(file), content=content_of(file["content"].encode()))
        for file in files
    ]
    ordered = _in_order(members, "files")
    return Layer(measure(lambda: stream_tar(ordered)), f"{', '.join(sorted(file['path'] for file in files))}")


def place_in_image(path: str) -> str:
    """Return an absolute path as layers write it, without the leading slash.

    Raises AdapterError for a path that is not absolute or has `..` in it.
    """
    names = PurePosixPath(path)
    if not names.is_absolute() or ".." in names.parts:
        raise AdapterError(f"{path!r} is no path in the image: it must be absolute and have no `..`.")
    return "/".join(names.parts[1:])


def _mode(file: Mapping[str, Any]) -> int:
    if not re.fullmatch(r"0[0-7]{3}", file["mode"]):
        raise AdapterError(f'{file["path"]}: mode {file["mode"]!r} is none. Write four octal digits in quotes: "0644".')
    return int(file["mode"], 8)


def _directory(name: str) -> Member:
    return Member(name, MODES.get(name, 0o755), DIRECTORY)


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo, root: str, where: str) -> Member:
    """Return the member for `info` below `root`; its content can be read while `archive` is open."""
    names = PurePosixPath(info.name)
    inside = "/".join(names.parts)
    name = "/".join(part for part in (root, inside) if part)
    if names.is_absolute() or ".." in names.parts or not (info.isreg() or info.isdir() or info.issym()):
        raise AdapterError(f"{where}: the member {info.name!r} leaves the directory. Do not use this artefact.")
    if info.isdir():
        return _directory(name)
    if info.issym():
        if _leaves(inside, info.linkname):
            raise AdapterError(f"{where}: the link {info.name!r} leaves the directory. Do not use this artefact.")
        return Member(name, 0o777, LINK, target=info.linkname)
    return Member(name, 0o755 if info.mode & 0o100 else 0o644, content=Content(info.size, lambda: _read(archive, info)))


def _leaves(name: str, target: str) -> bool:
    end = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return end == ".." or end.startswith(("/", "../"))


def _read(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    stream = archive.extractfile(info)
    assert stream is not None, "only regular files are read"
    with stream:
        yield from read_chunks(stream)


def _in_order(members: Sequence[Member], where: str) -> list[Member]:
    """Return `members` and the directories above them, parents first."""
    found: dict[str, Member] = {}
    for member in members:
        if member.kind != DIRECTORY and (not member.name or member.name in found):
            raise AdapterError(f"{where}: /{member.name} is there already. Choose another path, or leave one out.")
        found[member.name] = member
    for name in list(found):
        for parent in map(str, PurePosixPath(name).parents):
            if parent != ".":
                found.setdefault(parent, _directory(parent))
                _require_directory(found[parent], name, where)
    for member in found.values():
        _require_allowed(member, where)
    found.pop("", None)
    return [found[name] for name in sorted(found)]


def _require_directory(parent: Member, name: str, where: str) -> None:
    if parent.kind != DIRECTORY:
        raise AdapterError(f"{where}: /{name} is below /{parent.name}, which is no directory. Leave one out.")


def _require_allowed(member: Member, where: str) -> None:
    if member.kind == DIRECTORY and member.name in LINKS:
        raise AdapterError(
            f"{where}: /{member.name} is a link in most images; a directory would hide it and all that it leads to. "
            "Choose a place below /usr, /opt, /srv or /run."
        )
    if any(part.startswith(WHITEOUT) for part in PurePosixPath(member.name).parts):
        raise AdapterError(f"{where}: /{member.name} would remove files of the base. Choose another name.")
    try:
        f"{member.name}{member.target}".encode()
    except UnicodeEncodeError as error:
        raise AdapterError(f"{where}: the name {member.name!r} is no UTF-8. Choose another name.") from error
