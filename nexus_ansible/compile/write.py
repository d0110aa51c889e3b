# SPDX-License-Identifier: Apache-2.0
"""Bring compiled files to disk: what changed, what is stale, and what somebody edited by hand."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nexus_ansible.compile.manifest import MANIFEST, Manifest, digest, file_digest
from nexus_ansible.errors import DriftError


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
    """What has to happen on disk, in the order of paths. A file that differs from the manifest was edited by hand."""
    found = []
    for path in sorted(compiled.keys() | manifest.outputs.keys()):
        new = compiled.get(path)
        on_disk = file_digest(root / path)
        if on_disk is None and new is None:
            continue
        if new is not None and on_disk == digest(new.encode()):
            continue
        old = None if on_disk is None else (root / path).read_text("utf-8", errors="replace")
        edited = on_disk is not None and on_disk != manifest.outputs.get(path)
        found.append(Change(path, old, new, edited))
    return found


def apply_changes(root: Path, pending: list[Change], manifest: Manifest, *, force: bool = False) -> None:
    """Write and remove files, each as a whole, and the manifest last.

    Raises DriftError, with nothing written, when a file was edited by hand and `force` is not set.
    """
    edited = [change for change in pending if change.edited]
    if edited and not force:
        raise DriftError(drift_message(edited))
    for change in pending:
        target = root / change.path
        if change.new is None:
            target.unlink(missing_ok=True)
            _remove_empty(target.parent, root)
        else:
            write_file(target, change.new)
    write_file(root / MANIFEST, manifest.text())


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
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def diff_text(pending: list[Change]) -> Iterator[str]:
    """The diffs of all changes."""
    return (change.diff() for change in pending)


def _remove_empty(directory: Path, root: Path) -> None:
    while directory != root and directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent
