# SPDX-License-Identifier: Apache-2.0
"""Reading records and their payloads."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.merkle import leaf_hash
from nexus_ansible.ledger.payloads import decrypt_frame, payload_of
from nexus_ansible.ledger.snapshot import Entry, damaged, take_snapshot
from nexus_ansible.ledger.tiles import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read(directory: Path, start: int = 0, *, keys: KeyFiles | None = None) -> Iterator[Entry]:
    """Read the records from index `start` on, as they were when the reading began, one bundle at a time.

    Raises LedgerIntegrityError at a record that is missing or unreadable; `verify` says what else was changed.
    """
    return take_snapshot(directory, (keys or KeyFiles.within(directory)).verifier()).entries(start)


def payload(directory: Path, index: int, *, keys: KeyFiles | None = None) -> dict[str, Any] | None:
    """Return the payload of a record, None if it has none or it was erased. Raises LedgerIntegrityError."""
    keys = keys or KeyFiles.within(directory)
    snapshot = take_snapshot(directory, keys.verifier())
    entry = next(snapshot.entries(index), None)
    if entry is None:
        raise damaged(directory, index, "does not exist")
    frames = snapshot.frames(index // WIDTH)
    frame = frames[index % WIDTH] if index % WIDTH < len(frames) else b""
    if entry.record["payload"] is None or not frame:
        return None
    plaintext = decrypt_frame(keys.cipher(), index, leaf_hash(entry.leaf), frame)
    if plaintext is None or sha256(plaintext).hexdigest() != entry.record["payload"]:
        raise damaged(directory, index, "has a payload that is not its own")
    return payload_of(plaintext)
