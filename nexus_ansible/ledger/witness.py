# SPDX-License-Identifier: Apache-2.0
"""The last head seen of each ledger, kept outside of it.

The files of a ledger alone cannot show that all of them were put back to an earlier, validly signed state, or that
everything was signed anew with another key. What was seen before, kept in another place, can.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from nexus_ansible.ledger.checkpoint import Checkpoint, open_checkpoint
from nexus_ansible.ledger.files import overwrite_file
from nexus_ansible.ledger.merkle import consistency_proof, is_consistent
from nexus_ansible.ledger.note import NoteError, parse_vkey
from nexus_ansible.ledger.verification import LedgerProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexus_ansible.ledger.snapshot import Snapshot


_READINGS = 10


@dataclass(frozen=True)
class Seen:
    """A head as it was seen: the ledger's directory, its public key, and the signed checkpoint."""

    directory: str
    vkey: str
    checkpoint: str

    def head(self) -> Checkpoint:
        """Return the checkpoint. Raises NoteError if the file was damaged."""
        return open_checkpoint(self.checkpoint, parse_vkey(self.vkey))


def default_place() -> Path:
    """Return `${XDG_STATE_HOME:-~/.local/state}/nexus-ansible/witness`."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "nexus-ansible" / "witness"


def seen_path(place: Path, origin: str) -> Path:
    """Return the file for a ledger."""
    return place / f"{sha256(origin.encode()).hexdigest()[:32]}.json"


def load_seen(place: Path, origin: str) -> Seen | None:
    """Return what was last seen of a ledger, None if nothing was. Raises NoteError if the file is damaged, OSError."""
    path = seen_path(place, origin)
    for _ in range(_READINGS):
        try:
            data = path.read_bytes()
            return parse_seen(data) if data else None
        except FileNotFoundError:
            return None
        except NoteError:
            continue
    return parse_seen(path.read_bytes())


def replaced(place: Path, origin: str, directory: Path) -> Iterator[Seen]:
    """Yield other ledgers that were seen in the same directory before. Raises OSError."""
    for path in sorted(place.glob("*.json")):
        with suppress(NoteError):
            seen = parse_seen(path.read_bytes())
            if seen.directory == str(directory.resolve()) and seen.head().origin != origin:
                yield seen


def parse_seen(data: bytes) -> Seen:
    """Read a witness file. Raises NoteError."""
    try:
        seen = Seen(**orjson.loads(data))
    except (orjson.JSONDecodeError, TypeError):
        raise NoteError("it is not in the form of a witness file") from None
    seen.head()
    return seen


def save_seen(path: Path, seen: Seen) -> None:
    """Remember a head in the file `seen_path` names. Raises OSError.

    It is not forced to the disk: an older witness is as true, and an empty one counts as none. It is written in place,
    since this is done for each commit; `load_seen` therefore reads again what it caught half written.
    """
    text = {"directory": seen.directory, "vkey": seen.vkey, "checkpoint": seen.checkpoint}
    overwrite_file(path, orjson.dumps(text))


def contradiction(seen: Seen, checkpoint: Checkpoint, vkey: str) -> LedgerProblem | None:
    """Say how a head contradicts by itself what was seen before, if it does. Raises NoteError if `seen` is damaged."""
    if seen.vkey != vkey:
        what = f"{seen.directory} was signed by {seen.vkey} when last seen, now by {vkey}: everything was signed anew"
        return LedgerProblem(None, None, what, "")
    size, before = checkpoint.size, seen.head().size
    if size < before:
        what = f"{seen.directory} was cut off: the records {size} to {before - 1}, seen before, are gone"
        return LedgerProblem(size, None, what, "")
    return None


def rewriting(seen: Seen, snapshot: Snapshot) -> LedgerProblem | None:
    """Say whether the records seen before are no longer a prefix of an intact ledger that is not smaller.

    Raises NoteError if `seen` is damaged, LedgerIntegrityError if the ledger lacks tiles for the proof.
    """
    old, new = seen.head(), snapshot.checkpoint
    if old.size == 0:
        return None
    proof = consistency_proof(snapshot.subtree, old.size, new.size)
    if is_consistent(old.size, new.size, old.root, new.root, proof):
        return None
    what = f"the first {old.size} records in {snapshot.directory} are not those that were seen before"
    return LedgerProblem(None, None, what, "")
