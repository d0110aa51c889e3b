# SPDX-License-Identifier: Apache-2.0
"""A source tree as a list of files, and one digest for all of it."""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BUILD_TIME = 315_532_800  # 1980-01-01: wheels are ZIP files, which know no earlier time
ALWAYS_IGNORED = ("__pycache__", "*.pyc")


@dataclass(frozen=True)
class Entry:
    """A file, directory or symbolic link below the tree's root; `name` is relative and uses slashes."""

    name: str
    path: Path

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.path.is_symlink()

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory of its own."""
        return self.path.is_dir() and not self.is_link

    @property
    def mode(self) -> int:
        """The only two modes an artefact has: executable by all, or readable by all."""
        return 0o755 if self.is_directory or self.path.lstat().st_mode & 0o100 else 0o644


def list_tree(root: Path, ignore: Sequence[str] = ()) -> list[Entry]:
    """Return everything below `root` in a fixed order, without what matches a pattern of `ignore`.

    A pattern is matched against the name alone and against the path below `root`. Raises AdapterError for what an
    artefact cannot hold: devices, sockets, and links that lead out of the tree.
    """
    entries = sorted(_walk(root, "", (*ALWAYS_IGNORED, *ignore)), key=lambda entry: entry.name)
    problems = [problem for entry in entries for problem in _problems(root, entry)]
    if problems:
        raise AdapterError(f"{root} cannot become an artefact: {'; '.join(problems)}. Remove or ignore these.")
    return entries


def tree_digest(entries: Sequence[Entry]) -> str:
    """Return the hex SHA-256 of names, kinds, modes and contents; times and owners do not matter."""
    digest = hashlib.sha256()
    for entry in entries:
        if entry.is_link:
            content = f"link {os.readlink(entry.path)}"  # noqa: PTH115 - Path.readlink is new in Python 3.9
        elif entry.is_directory:
            content = "directory"
        else:
            content = f"file {entry.mode:o} {file_digest(entry.path)}"
        digest.update(f"{entry.name}\0{content}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1_048_576), b""):
            digest.update(block)
    return digest.hexdigest()


def copy_tree(entries: Sequence[Entry], target: Path) -> None:
    """Copy `entries` below `target` with one time for all files, so that a build neither writes into the source nor
    depends on when it was checked out.
    """
    target.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        place = target / entry.name
        if entry.is_directory:
            place.mkdir()
        else:
            shutil.copy(entry.path, place, follow_symlinks=False)
            os.utime(place, (BUILD_TIME, BUILD_TIME), follow_symlinks=False)


def _walk(directory: Path, prefix: str, ignore: Sequence[str]) -> Iterator[Entry]:
    for path in directory.iterdir():
        name = f"{prefix}{path.name}"
        if any(fnmatch.fnmatchcase(candidate, pattern) for pattern in ignore for candidate in (path.name, name)):
            continue
        entry = Entry(name, path)
        yield entry
        if entry.is_directory:
            yield from _walk(path, f"{name}/", ignore)


def _problems(root: Path, entry: Entry) -> Iterator[str]:
    if not entry.is_link:
        if not entry.is_directory and not entry.path.is_file():
            yield f"{entry.name} is neither file, directory nor link"
        return
    target = os.readlink(entry.path)  # noqa: PTH115 - Path.readlink is new in Python 3.9
    inside = Path(os.path.normpath(entry.path.parent / target))
    if os.path.isabs(target) or root not in (inside, *inside.parents):  # noqa: PTH117 - not about the file system
        yield f"{entry.name} is a link that leads out of the tree ({target})"
