# SPDX-License-Identifier: Apache-2.0
"""Bring compiled files to disk: what changed, what is stale, and what somebody edited by hand."""

from __future__ import annotations

import difflib
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_ansible.compile.manifest import MANIFEST, Manifest, digest, read_manifest
from nexus_ansible.errors import DriftError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Change:
    """One compiled file that is not on disk as it should be. `new` None means that it must go."""

    path: str
    old: str | None
    new: str | None
    edited: bool

    @property
    def kind(self) -> str:
        """`added`, `changed` or `removed`."""
        return "added" if self.old is None else "removed" if self.new is None else "changed"

    def diff(self) -> str:
        """Unified diff from what is on disk to what the registries say."""
        old, new = (self.old or "").splitlines(keepends=True), (self.new or "").splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, f"a/{self.path}", f"b/{self.path}", n=2))


def changes(root: Path, compiled: Mapping[str, str], manifest: Manifest) -> list[Change]:
    """What has to happen on disk, in the order of paths. A file that differs from the manifest was edited by hand.

    Raises RefusedError when something that is not a readable file is in the way.
    """
    found = []
    for path in sorted(compiled.keys() | manifest.outputs.keys()):
        new = compiled.get(path)
        old = _on_disk(root / path, path)
        if old is None and new is None:
            continue
        if old is not None and new is not None and old == new.encode():
            continue
        edited = old is not None and digest(old) != manifest.outputs.get(path)
        found.append(Change(path, None if old is None else old.decode(errors="replace"), new, edited))
    return found


def _on_disk(target: Path, path: str) -> bytes | None:
    try:
        return target.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RefusedError(f"{path}: is in the way: {error.strerror}.\n  Move it away; nothing was written.") from error


def apply_changes(root: Path, pending: list[Change], manifest: Manifest, *, force: bool = False) -> None:
    """Write and remove files, each as a whole, and the manifest last.

    Everything is written beside its place first, so that a full disk leaves all files as they were.
    Raises DriftError, with nothing written, when a file was edited by hand and `force` is not set; RefusedError when
    the disk does not take them.
    """
    edited = [change for change in pending if change.edited]
    if edited and not force:
        raise DriftError(drift_message(edited))
    texts = {change.path: change.new for change in pending if change.new is not None}
    if read_manifest(root) != manifest:
        texts[MANIFEST] = manifest.text()
    try:
        with ExitStack() as undo:
            staged = {path: _stage(root / path, text, 0o644, undo) for path, text in texts.items()}
            for path, temporary in staged.items():
                temporary.replace(root / path)
        for change in pending:
            if change.new is None:
                (root / change.path).unlink(missing_ok=True)
                _remove_empty((root / change.path).parent, root)
    except OSError as error:
        where = f"{root}: the compiled files cannot be written: {error.strerror}"
        raise RefusedError(f"{where}.\n  Make room, or the directory writable, and compile again.") from error


def drift_message(edited: list[Change]) -> str:
    """Names the files that are not as compiled, and what to do."""
    lines = [f"{change.path}: edited by hand, or not written by nexus-ansible." for change in edited]
    advice = (
        "  Put the change into the registries. `nexus-ansible compile --diff` shows what would be lost, "
        "`nexus-ansible compile --force` writes over it."
    )
    return "\n".join([*lines, advice])


def write_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file as a whole, or leave it as it is. Raises OSError."""
    with ExitStack() as undo:
        _stage(path, text, mode, undo).replace(path)


def _stage(path: Path, text: str, mode: int, undo: ExitStack) -> Path:
    """Write a text beside its place; `undo` removes what was not moved there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    undo.callback(Path(name).unlink, missing_ok=True)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        os.fchmod(stream.fileno(), mode)
    return Path(name)


def _remove_empty(directory: Path, root: Path) -> None:
    while directory != root and directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent
