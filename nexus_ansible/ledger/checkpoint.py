# SPDX-License-Identifier: Apache-2.0
"""The signed head of a ledger as C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint) defines it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from nexus_ansible.ledger.merkle import HASH_SIZE
from nexus_ansible.ledger.note import NoteError, Verifier, decode_base64


@dataclass(frozen=True)
class Checkpoint:
    """Origin, number of entries and Merkle root of a ledger at one moment."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint a note's text describes. Raises NoteError, also on extension lines: a ledger has none."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) != 3 or not lines[1].isdecimal():
        raise NoteError("a checkpoint has three lines: origin, size, root")
    checkpoint = Checkpoint(lines[0], int(lines[1]), decode_base64(lines[2]))
    if checkpoint.text != text or len(checkpoint.root) != HASH_SIZE:
        raise NoteError("the size or the root is malformed")
    return checkpoint


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """Return the checkpoint of a note that `verifier` signed. Raises NoteError."""
    return parse_checkpoint(verifier.verify(note))
