# SPDX-License-Identifier: Apache-2.0
"""The ledger as its writers see it: open, append, close."""

from __future__ import annotations

import fcntl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger.checkpoint import Checkpoint
from nexus_ansible.ledger.erasure import erasable, erasure_records, remove_payloads
from nexus_ansible.ledger.files import locked, write_durably
from nexus_ansible.ledger.head import Head, commit, head_of
from nexus_ansible.ledger.keys import KeyFiles, create_keys
from nexus_ansible.ledger.merkle import EMPTY_ROOT
from nexus_ansible.ledger.note import NoteError
from nexus_ansible.ledger.numbers import RunNumbers
from nexus_ansible.ledger.payloads import encode_batch
from nexus_ansible.ledger.recovery import is_tidy, recover
from nexus_ansible.ledger.snapshot import CHECKPOINT, LOCK, Snapshot, read_snapshot
from nexus_ansible.ledger.witness import Seen, contradiction, default_place, load_seen, rewriting, save_seen, seen_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from nexus_ansible.ledger.query import Query
    from nexus_ansible.ledger.ranges import IndexRanges
    from nexus_ansible.ledger.records import Record


class Ledger:
    """A ledger open for writing. Several processes and threads may have the same one open.

    Every method raises LedgerIntegrityError when the files cannot be written or do not fit the signed head.
    """

    def __init__(self, directory: Path, keys: KeyFiles, witness: Path) -> None:
        self.directory = directory
        self._resolved = str(directory.resolve())
        self._lock = directory / LOCK
        self._witness = witness
        self._is_witnessed = False
        self._thread_lock = threading.Lock()
        self._keys = keys
        self._signer = keys.signer()
        self._cipher = keys.cipher()
        self._seen_path = seen_path(witness, self._signer.name)
        self._head: Head | None = None

    @classmethod
    def open(cls, directory: Path, *, keys: KeyFiles | None = None, witness: Path | None = None) -> Ledger:
        """Open the ledger in `directory`, made on first use; put in order what a crash left behind.

        `keys` says where the key files lie (default: in `directory`), `witness` in which directory to remember the
        head (default: `$XDG_STATE_HOME/nexus-ansible/witness`).
        """
        keys = keys or KeyFiles.within(directory)
        with _explained(directory):
            _create(directory, keys)
            ledger = cls(directory, keys, witness or default_place())
            with ledger._exclusive():
                ledger._current_head()
        return ledger

    @property
    def origin(self) -> str:
        """The unique name the ledger got when it was made."""
        return self._signer.name

    @property
    def vkey(self) -> str:
        """The public key as text, to give to whoever shall verify."""
        return self._signer.verifier.vkey

    def append(self, records: Iterable[Record]) -> range:
        """Add records as one group and return their indices; they are durable when this returns.

        Raises RecordError when one of them cannot be stored, LedgerIntegrityError when the disk is full or read-only
        or fails; then none is recorded, and a later call works once there is space.
        """
        with _explained(self.directory), self._exclusive():
            return self._append(tuple(records))

    def erase(self, query: Query, *, reason: str, payload: Mapping[str, Any] | None = None) -> IndexRanges:
        """Erase the payloads of the records a query finds, and record that; return their indices.

        `reason` stands in the log for ever, so it names no person; `payload` may, and say who asked for it. The record
        comes first: after a crash in between, `verify` reports what is still there, and erasing again removes it.
        """
        with _explained(self.directory), self._exclusive():
            self._current_head()
            snapshot = read_snapshot(self.directory, self._signer.verifier)
            indices = erasable(snapshot, query, self._keys)
            if len(indices):
                self._append(erasure_records(indices, reason, payload))
                self._head = None
                self._remove_payloads(indices)
        return indices

    def close(self) -> None:
        """Let go of the ledger."""
        self._head = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._thread_lock, locked(self._lock, fcntl.LOCK_EX):
            yield

    def _remove_payloads(self, indices: IndexRanges) -> None:
        try:
            remove_payloads(read_snapshot(self.directory, self._signer.verifier), indices)
        except OSError as error:
            raise LedgerIntegrityError(
                f"{error.filename or self.directory}: {error.strerror}. Payloads are recorded as erased, but some are "
                "still there. Free space or make the directory writable, then erase them again."
            ) from error

    def _append(self, records: Sequence[Record]) -> range:
        head = self._current_head()
        start = head.edge.size
        if records:
            numbers = self._numbers.assign(records)
            batch = encode_batch(self._cipher, start, records, numbers)
            self._head = None
            self._head = commit(self.directory, head, batch, self._signer)
            self._numbers.confirm()
            self._remember(self._head)
        return range(start, start + len(records))

    def _current_head(self) -> Head:
        if self._head is None or not self._head.is_on_disk(self.directory):
            snapshot = read_snapshot(self.directory, self._signer.verifier)
            head = head_of(snapshot)
            if not is_tidy(self.directory, head):
                head = recover(snapshot, head, self._cipher, self._signer)
                snapshot = read_snapshot(self.directory, self._signer.verifier)
            self._head = head
            self._numbers = RunNumbers(snapshot)
            self._is_witnessed = self._agrees_with_witness(snapshot)
        return self._head

    def _agrees_with_witness(self, snapshot: Snapshot) -> bool:
        """Say whether the witness may follow this ledger; one that was rolled back must stay visible to `verify`."""
        try:
            seen = load_seen(self._witness, self.origin)
            return seen is None or not (
                contradiction(seen, snapshot.checkpoint, self.vkey) or rewriting(seen, snapshot)
            )
        except (NoteError, LedgerIntegrityError, OSError):
            return False

    def _remember(self, head: Head) -> None:
        if self._is_witnessed:
            with suppress(OSError):  # without a place of its own a process still records
                save_seen(self._seen_path, Seen(self._resolved, self.vkey, head.note))


def _create(directory: Path, keys: KeyFiles) -> None:
    """Make what is missing of a new ledger."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / LOCK).touch(mode=0o600)
    with locked(directory / LOCK, fcntl.LOCK_EX):
        if (directory / CHECKPOINT).exists() or (directory / "tile").exists():
            return
        create_keys(keys)
        signer = keys.signer()
        write_durably(directory / CHECKPOINT, signer.sign(Checkpoint(signer.name, 0, EMPTY_ROOT).text).encode())


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    """Say what to do about a file that cannot be written."""
    try:
        yield
    except OSError as error:
        raise LedgerIntegrityError(
            f"{error.filename or directory}: {error.strerror}. Nothing was recorded. "
            "Free space or make the directory writable, then try again."
        ) from error
