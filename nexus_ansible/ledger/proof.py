# SPDX-License-Identifier: Apache-2.0
"""Inclusion proofs as C2SP tlog-proof (https://c2sp.org/tlog-proof), which verify offline with the public key alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger.checkpoint import open_checkpoint
from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.merkle import inclusion_proof, leaf_hash, root_from_inclusion
from nexus_ansible.ledger.note import NoteError, decode_base64, parse_vkey
from nexus_ansible.ledger.reading import entry_at
from nexus_ansible.ledger.snapshot import take_snapshot

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "c2sp.org/tlog-proof@v1"


def prove(directory: Path, index: int, *, keys: KeyFiles | None = None) -> str:
    """Return the proof that record `index` is in the ledger; its extra data is the record's leaf.

    Raises RefusedError when there is no such record, LedgerIntegrityError when the ledger is damaged.
    """
    verifier = (keys or KeyFiles.within(directory)).verifier()
    snapshot = take_snapshot(directory, verifier)
    leaf = entry_at(snapshot, index).leaf
    hashes = inclusion_proof(snapshot.subtree, index, snapshot.size)
    lines = [HEADER, f"extra {_base64(leaf)}", f"index {index}", *map(_base64, hashes), "", snapshot.note]
    text = "\n".join(lines)
    verify_proof(text, verifier.vkey)
    return text


def verify_proof(text: str, vkey: str) -> dict[str, Any]:
    """Return the record a proof is about, after checking the proof with the public key of the ledger's owner.

    Raises LedgerIntegrityError when it proves nothing.
    """
    try:
        leaf = _proven_leaf(text, vkey)
    except NoteError as error:
        raise LedgerIntegrityError(
            f"the proof does not hold: {error}. Ask for a new one, or for the right key."
        ) from None
    record: dict[str, Any] = orjson.loads(leaf)
    return record


def _proven_leaf(text: str, vkey: str) -> bytes:
    head, _, note = text.partition("\n\n")
    lines = head.split("\n")
    if len(lines) < 3 or lines[0] != HEADER or not lines[1].startswith("extra ") or not lines[2].startswith("index "):
        raise NoteError(f"it does not begin with {HEADER}, extra and index")
    leaf, number = decode_base64(lines[1].removeprefix("extra ")), lines[2].removeprefix("index ")
    if not number.isdecimal() or str(int(number)) != number:
        raise NoteError("its index is no number")
    checkpoint = open_checkpoint(note, parse_vkey(vkey))
    hashes = [decode_base64(line) for line in lines[3:]]
    if root_from_inclusion(leaf_hash(leaf), int(number), checkpoint.size, hashes) != checkpoint.root:
        raise NoteError("the record is not in the tree that was signed")
    return leaf


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
