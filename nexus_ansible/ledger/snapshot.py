# SPDX-License-Identifier: Apache-2.0
"""One consistent view of a ledger's files, while others go on writing, and after a crash."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger.checkpoint import Checkpoint, open_checkpoint
from nexus_ansible.ledger.files import locked
from nexus_ansible.ledger.merkle import HASH_SIZE, fold, split_hashes
from nexus_ansible.ledger.note import NoteError, Verifier
from nexus_ansible.ledger.payloads import FRAME_PREFIX, payload_path
from nexus_ansible.ledger.tiles import (
    ENTRY_PREFIX,
    WIDTH,
    bundle_path,
    edge_tiles,
    sized_path,
    split_prefixed,
    tile_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK = "lock"
CHECKPOINT = "checkpoint"

_NEEDED = frozenset({"kind", "run", "n", "time", "payload"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as it stands in the log."""

    index: int
    record: dict[str, Any]
    leaf: bytes


@dataclass(frozen=True)
class Snapshot:
    """The signed head and the unfinished files that belong to it; finished files do not change any more."""

    directory: Path
    note: str
    checkpoint: Checkpoint
    unfinished: dict[str, bytes]

    @property
    def size(self) -> int:
        """The number of records."""
        return self.checkpoint.size

    @property
    def bundles(self) -> int:
        """The number of entry bundles, an unfinished one included."""
        return -(-self.size // WIDTH)

    def width(self, bundle: int) -> int:
        """Return how many records a bundle holds."""
        return min(WIDTH, self.size - bundle * WIDTH)

    def file(self, path: str) -> bytes:
        """Return a tile, bundle or payload file; nothing if the file is gone. Raises OSError."""
        data = self.unfinished.get(path)
        return _content(self.directory / path) if data is None else data

    def tile(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of a tile as the files have them."""
        return split_hashes(self.file(tile_path(level, index)))

    def leaves(self, bundle: int) -> list[bytes]:
        """Return the entries of a bundle as the files have them."""
        return split_prefixed(self.file(bundle_path(bundle)), ENTRY_PREFIX, self.width(bundle))[0]

    def frames(self, bundle: int) -> list[bytes]:
        """Return the payload frames of a bundle as the files have them."""
        return split_prefixed(self.file(payload_path(bundle)), FRAME_PREFIX, self.width(bundle))[0]

    def entries(self, start: int = 0) -> Iterator[Entry]:
        """Read the records from index `start` on. Raises LedgerIntegrityError at a damaged one."""
        for bundle in range(start // WIDTH, self.bundles):
            leaves = self.leaves(bundle)
            if len(leaves) < self.width(bundle):
                raise damaged(self.directory, bundle * WIDTH + len(leaves), "is missing")
            first = bundle * WIDTH
            for index in range(max(start, first), first + len(leaves)):
                yield parse_entry(self.directory, index, leaves[index - first])

    def subtree(self, start: int, stop: int) -> bytes:
        """Return the Merkle tree hash of the records start..stop-1, the hash provider of the proofs.

        `start` is a multiple of the smallest power of two that is not below `stop - start`, as in every proof.
        Raises LedgerIntegrityError when a tile that is needed is missing or too short.
        """
        level, unit = 0, 1
        while stop - start >= unit * WIDTH:
            level, unit = level + 1, unit * WIDTH
        whole, rest = divmod(stop - start, unit)
        index, offset = divmod(start // unit, WIDTH)
        row = self.tile(level, index)[offset : offset + whole]
        if len(row) < whole or any(len(item) < HASH_SIZE for item in row):
            raise damaged(self.directory, start, f"has no hash in {tile_path(level, index)}, so that its proof")
        return fold([*row, self.subtree(stop - rest, stop)] if rest else row)


def take_snapshot(directory: Path, verifier: Verifier) -> Snapshot:
    """Return a consistent view of a ledger. Raises LedgerIntegrityError when there is no valid checkpoint."""
    try:
        with locked(directory / LOCK, fcntl.LOCK_SH):
            return read_snapshot(directory, verifier)
    except OSError as error:
        raise LedgerIntegrityError(f"{error.filename or directory} cannot be read: {error.strerror}.") from None


def read_snapshot(directory: Path, verifier: Verifier) -> Snapshot:
    """Do the same for a caller who holds the lock. Raises OSError besides."""
    path = directory / CHECKPOINT
    try:
        note = path.read_bytes().decode()
        checkpoint = open_checkpoint(note, verifier)
    except FileNotFoundError:
        raise LedgerIntegrityError(f"{path} is missing: there is no ledger, or it was cut off.") from None
    except (NoteError, UnicodeDecodeError) as error:
        raise LedgerIntegrityError(f"{path}: {error}. Restore the ledger from a backup.") from None
    unfinished = {}
    for level, index, width in edge_tiles(checkpoint.size):
        name = tile_path(level, index)
        unfinished[name] = read_unfinished(directory, name, width)[: width * HASH_SIZE]
    width = checkpoint.size % WIDTH
    if width:
        bundle = checkpoint.size // WIDTH
        unfinished[bundle_path(bundle)] = read_unfinished(directory, bundle_path(bundle), width)
        unfinished[payload_path(bundle)] = _content(directory / payload_path(bundle))
    return Snapshot(directory, note, checkpoint, unfinished)


def read_unfinished(directory: Path, path: str, width: int) -> bytes:
    """Return a tile or bundle that should hold `width` items.

    A crash can have left it under the name of an earlier or later width; then it is the longest one.
    """
    data = _content(directory / sized_path(path, width))
    return data or max(map(_content, variants(directory, path)), key=len, default=b"")


def variants(directory: Path, path: str) -> list[Path]:
    """List the files that hold a tile or bundle, or an unfinished state of it."""
    full = directory / path
    return [name for name in (full, *sorted(full.with_name(f"{full.name}.p").glob("*"))) if name.is_file()]


def parse_entry(directory: Path, index: int, leaf: bytes) -> Entry:
    """Return a leaf as a record. Raises LedgerIntegrityError if it is none."""
    try:
        record = orjson.loads(leaf)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict) or not record.keys() >= _NEEDED:
        raise damaged(directory, index, "is no record")
    return Entry(index, record, leaf)


def damaged(directory: Path, index: int, what: str) -> LedgerIntegrityError:
    """Return the error for a reader who meets a damaged record."""
    return LedgerIntegrityError(
        f"{directory}: record {index} {what}. Run `nexus-ansible audit verify` to see what was changed."
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
