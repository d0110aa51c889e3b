# SPDX-License-Identifier: Apache-2.0
"""Durable files: whole replacements, appends to several files that can be undone, and the lock writers share.

Paths within a commit are text: Path objects would take a good part of the time of a small one.
"""
# ruff: noqa: PTH104, PTH106, PTH108, PTH116, PTH120

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_ansible.errors import LedgerIntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_LIMIT = 60.0
"""Seconds to wait for another writer's commit."""

_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700
_RETRY = 0.002
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def write_durably(path: Path, data: bytes, mode: int = _FILE_MODE) -> None:
    """Replace a file as a whole: after a power loss there is the old or the new one. Raises OSError."""
    make_directory(path.parent)
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(data)
            stream.flush()
            os.fdatasync(stream.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def overwrite_file(path: Path, data: bytes) -> None:
    """Write a small file in place, without making it durable. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT
    try:
        descriptor = os.open(path, flags, _FILE_MODE)
    except FileNotFoundError:
        make_directory(path.parent)
        descriptor = os.open(path, flags, _FILE_MODE)
    try:
        os.pwrite(descriptor, data, 0)
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory, and those above it, for the owner alone. Raises OSError."""
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, operation: int) -> Iterator[None]:
    """Hold `flock(operation)` (LOCK_EX or LOCK_SH) on a file. Raises LedgerIntegrityError after 60 s, OSError.

    Without the file there is nobody to wait for: it is a copy of a ledger, or a ledger on a read-only medium.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield
        return
    try:
        _wait_for_lock(descriptor, operation, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, operation: int, path: Path) -> None:
    deadline = time.monotonic() + LOCK_LIMIT
    while True:
        try:
            fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LedgerIntegrityError(
                    f"{path} has been locked by another process for {LOCK_LIMIT:.0f} s. "
                    "Find it with `fuser`, continue or end it, and try again."
                ) from None
            time.sleep(_RETRY)
        else:
            return


class Transaction:
    """Appends and renames within one ledger that either all stay or are all undone.

    Paths are relative to the ledger. Every method but `undo` raises OSError with the file's name.
    """

    def __init__(self, root: Path) -> None:
        self._root = f"{root}/"
        self._unsynced: list[tuple[int, str]] = []
        self._new_names_in: set[Path] = set()
        self._undo: list[tuple[str, int | str | None]] = []

    def append(self, path: str, offset: int, data: bytes) -> None:
        """Add data to a file of `offset` bytes, or make a new file if that is 0; `sync_contents` makes it durable."""
        name = self._root + path
        if offset == 0:
            self._note_new_name(Path(name))
        self._unsynced.append((self._write(name, offset, data), name))

    def append_rebuildable(self, path: str, offset: int, data: bytes) -> None:
        """Do the same with a file that can be made again from others, so that it need not be durable."""
        os.close(self._write(self._root + path, offset, data))

    def sync_contents(self) -> None:
        """Make durable what was appended."""
        while self._unsynced:
            descriptor, name = self._unsynced.pop()
            try:
                os.fdatasync(descriptor)
            except OSError as error:
                raise OSError(error.errno, error.strerror, name) from None
            finally:
                os.close(descriptor)

    def sync_names(self) -> None:
        """Make durable what was made and renamed."""
        for directory in sorted(self._new_names_in):
            sync_directory(directory)
        self._new_names_in.clear()

    def prepare(self, path: str, data: bytes) -> None:
        """Write a file beside `path`, which `publish` puts in its place."""
        name = f"{self._root}{path}.tmp"
        self._unsynced.append((self._write(name, 0, data), name))

    def publish(self, path: str) -> None:
        """Put the prepared file in place: the last step, which cannot be undone."""
        os.rename(f"{self._root}{path}.tmp", self._root + path)

    def rename(self, path: str, target: str) -> None:
        """Rename a file within its directory, or into the one above, which `sync_names` then makes durable."""
        os.rename(self._root + path, self._root + target)
        self._undo.append((self._root + target, self._root + path))
        directory = os.path.dirname(self._root + target)
        if directory != os.path.dirname(self._root + path):
            self._new_names_in.add(Path(directory))

    def undo(self) -> None:
        """Take everything back. What cannot be taken back now is dealt with when the ledger is next opened."""
        for descriptor, _ in self._unsynced:
            os.close(descriptor)
        self._unsynced.clear()
        for name, before in reversed(self._undo):
            with suppress(OSError):
                if before is None:
                    os.unlink(name)
                elif isinstance(before, str):
                    os.rename(name, before)
                else:
                    os.truncate(name, before)
        self._undo.clear()

    def _note_new_name(self, name: Path) -> None:
        directory = name.parent
        self._new_names_in.add(directory)
        while not directory.is_dir():
            directory = directory.parent
            self._new_names_in.add(directory)

    def _write(self, name: str, offset: int, data: bytes) -> int:
        descriptor = os.open(name, os.O_WRONLY) if offset else _create(name)
        self._undo.append((name, offset or None))
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            os.close(descriptor)
            raise OSError(error.errno, error.strerror, name) from None
        return descriptor


def _create(name: str) -> int:
    try:
        return os.open(name, _NEW_FILE, _FILE_MODE)
    except FileNotFoundError:
        make_directory(Path(name).parent)
    return os.open(name, _NEW_FILE, _FILE_MODE)


def read_file(name: str) -> bytes:
    """Return a whole file. Raises OSError."""
    descriptor = os.open(name, os.O_RDONLY)
    try:
        return os.read(descriptor, 2**16)
    finally:
        os.close(descriptor)


def file_size(name: str) -> int:
    """Return a file's size in bytes, 0 if there is none. Raises OSError."""
    try:
        return os.stat(name).st_size
    except FileNotFoundError:
        return 0


def remove_directory(name: str) -> None:
    """Remove a directory, unless something is in it."""
    with suppress(OSError):
        os.rmdir(name)
