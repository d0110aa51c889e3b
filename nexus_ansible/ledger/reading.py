# SPDX-License-Identifier: Apache-2.0
"""Reading records and their payloads."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nexus_ansible.errors import RefusedError
from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.merkle import leaf_hash
from nexus_ansible.ledger.payloads import decrypt_frame, payload_of
from nexus_ansible.ledger.snapshot import Entry, Snapshot, damaged, take_snapshot
from nexus_ansible.ledger.tiles import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class PayloadReader:
    """Decrypts payloads of one snapshot; keeps the frames of the bundle read last."""

    def __init__(self, snapshot: Snapshot, cipher: AESGCM) -> None:
        self._snapshot = snapshot
        self._cipher = cipher
        self._bundle = -1
        self._frames: list[bytes] = []

    def read(self, entry: Entry) -> dict[str, Any] | None:
        """Return a record's payload, None if it has none or it was erased. Raises LedgerIntegrityError."""
        if entry.record["payload"] is None:
            return None
        bundle, place = divmod(entry.index, WIDTH)
        if bundle != self._bundle:
            self._bundle, self._frames = bundle, self._snapshot.frames(bundle)
        frame = self._frames[place] if place < len(self._frames) else b""
        if not frame:
            return None
        plaintext = decrypt_frame(self._cipher, entry.index, leaf_hash(entry.leaf), frame)
        if plaintext is None or sha256(plaintext).hexdigest() != entry.record["payload"]:
            raise damaged(self._snapshot.directory, entry.index, "has a payload that is not its own")
        return payload_of(plaintext)


def read(directory: Path, start: int = 0, *, keys: KeyFiles | None = None) -> Iterator[Entry]:
    """Read the records from index `start` on, as they were when the reading began, one bundle at a time.

    Raises LedgerIntegrityError at a record that is missing or unreadable; `verify` says what else was changed.
    """
    return take_snapshot(directory, (keys or KeyFiles.within(directory)).verifier()).entries(start)


def payload(directory: Path, index: int, *, keys: KeyFiles | None = None) -> dict[str, Any] | None:
    """Return the payload of a record, None if it has none or it was erased. Raises LedgerIntegrityError."""
    keys = keys or KeyFiles.within(directory)
    snapshot = take_snapshot(directory, keys.verifier())
    return PayloadReader(snapshot, keys.cipher()).read(entry_at(snapshot, index))


def entry_at(snapshot: Snapshot, index: int) -> Entry:
    """Return one record. Raises RefusedError when there is none with this index, LedgerIntegrityError for damage."""
    if not 0 <= index < snapshot.size:
        raise RefusedError(f"{snapshot.directory}: no record {index}. There are {snapshot.size}, counted from 0.")
    return next(snapshot.entries(index))
