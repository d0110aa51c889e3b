# SPDX-License-Identifier: Apache-2.0
"""The encrypted part of records: one frame each, in a file for each 256 records.

A frame is nonce (12 bytes), ciphertext and tag (16 bytes) of AES-256-GCM after its length as a big-endian uint32; the
length 0 means that there is no payload, or no longer. The plaintext is a salt (32 bytes) and the payload's canonical
JSON; the leaf holds the SHA-256 of it. The associated data is the index (big-endian uint64) and the leaf's hash: no
frame can stand in for another, and a leaf cannot change under its payload.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidTag

from nexus_ansible.ledger.merkle import leaf_hash
from nexus_ansible.ledger.records import Record, encode_leaf, encode_payload
from nexus_ansible.ledger.tiles import index_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FRAME_PREFIX = 4
NO_FRAME = b""
SALT_SIZE = 32
NONCE_SIZE = 12
_RANDOM_SIZE = SALT_SIZE + NONCE_SIZE


@dataclass(frozen=True)
class Batch:
    """Encoded records that go into the ledger together: leaf, its hash, and payload frame of each."""

    leaves: list[bytes]
    hashes: list[bytes]
    frames: list[bytes]


def payload_path(index: int) -> str:
    """Name the file with the payloads of entry bundle `index`, relative to the ledger."""
    return f"payload/{index_path(index)}"


def encode_batch(cipher: AESGCM, start: int, records: Sequence[Record], numbers: Sequence[int | None]) -> Batch:
    """Encode records, the first of which gets index `start`. Raises RecordError."""
    leaves, hashes, frames = [], [], []
    random = os.urandom(_RANDOM_SIZE * len(records))  # at once: one system call for each record would show
    for place, (record, number) in enumerate(zip(records, numbers, strict=True)):
        if record.payload is None:
            leaf = encode_leaf(record, number, None)
            hashed = leaf_hash(leaf)
            frame = NO_FRAME
        else:
            salt = place * _RANDOM_SIZE
            nonce = random[salt + SALT_SIZE : salt + _RANDOM_SIZE]
            plaintext = random[salt : salt + SALT_SIZE] + encode_payload(record)
            leaf = encode_leaf(record, number, sha256(plaintext).hexdigest())
            hashed = leaf_hash(leaf)
            frame = nonce + cipher.encrypt(nonce, plaintext, (start + place).to_bytes(8, "big") + hashed)
        leaves.append(leaf)
        hashes.append(hashed)
        frames.append(frame)
    return Batch(leaves, hashes, frames)


def decrypt_frame(cipher: AESGCM, index: int, hashed: bytes, frame: bytes) -> bytes | None:
    """Return salt and payload of the record with this index and leaf hash; None if the frame is not its own."""
    try:
        return cipher.decrypt(frame[:NONCE_SIZE], frame[NONCE_SIZE:], index.to_bytes(8, "big") + hashed)
    except (InvalidTag, ValueError):
        return None


def payload_of(plaintext: bytes) -> dict[str, Any]:
    """Return the payload within a decrypted frame."""
    payload: dict[str, Any] = orjson.loads(plaintext[SALT_SIZE:])
    return payload
