# SPDX-License-Identifier: Apache-2.0
"""The end of a ledger, where the next records go, and one commit of records there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger.checkpoint import Checkpoint
from nexus_ansible.ledger.files import Transaction, file_size, read_file, remove_directory
from nexus_ansible.ledger.merkle import HASH_SIZE, fold, leaf_hash
from nexus_ansible.ledger.payloads import FRAME_PREFIX, Batch, payload_path
from nexus_ansible.ledger.snapshot import CHECKPOINT, Snapshot
from nexus_ansible.ledger.tiles import (
    ENTRY_PREFIX,
    WIDTH,
    Edge,
    TileGrowth,
    bundle_path,
    edge_tiles,
    join_prefixed,
    sized_path,
    tile_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexus_ansible.ledger.note import Signer


@dataclass(frozen=True)
class Head:
    """The signed head on disk and the state of the unfinished files: what a commit needs to know."""

    note: str
    edge: Edge
    bundle_bytes: int
    payload_bytes: int

    def is_on_disk(self, directory: Path) -> bool:
        """Say whether the files still end here: no other process wrote, and none died while writing. Raises OSError."""
        bundle, width = divmod(self.edge.size, WIDTH)
        path = bundle_path(bundle)
        return (
            read_file(f"{directory}/{CHECKPOINT}") == self.note.encode()
            and file_size(f"{directory}/{sized_path(path, width or WIDTH)}") == self.bundle_bytes
            and file_size(f"{directory}/{payload_path(bundle)}") == self.payload_bytes
            and (width > 0 or file_size(f"{directory}/{path}.p") == 0)
        )


@dataclass(frozen=True)
class Piece:
    """The part of a batch that goes into one bundle, which has `width` records already."""

    bundle: int
    width: int
    start: int
    stop: int

    @property
    def new_width(self) -> int:
        """The records in the bundle afterwards."""
        return self.width + self.stop - self.start


def pieces(size: int, count: int) -> Iterator[Piece]:
    """Spread `count` records after the first `size` over bundles."""
    start = 0
    while start < count:
        bundle, width = divmod(size + start, WIDTH)
        stop = min(count, start + WIDTH - width)
        yield Piece(bundle, width, start, stop)
        start = stop


def head_of(snapshot: Snapshot) -> Head:
    """Work out the head of a snapshot. Raises LedgerIntegrityError when its end is not what the checkpoint signs."""
    bundle, width = divmod(snapshot.size, WIDTH)
    leaves = snapshot.leaves(bundle) if width else []
    frames = snapshot.frames(bundle) if width else []
    hashes = b"".join(map(leaf_hash, leaves))

    def stored(level: int, index: int, _width: int) -> bytes:
        return snapshot.file(tile_path(level, index)) if level else hashes

    def rebuilt(level: int, index: int, width: int) -> bytes:
        children = range(index * WIDTH, index * WIDTH + width)
        return b"".join(fold(snapshot.tile(level - 1, child)) for child in children) if level else hashes

    edge = _edge(snapshot.size, stored)
    if edge.root != snapshot.checkpoint.root:
        edge = _edge(snapshot.size, rebuilt)
    if edge.root != snapshot.checkpoint.root or len(frames) < width:
        raise LedgerIntegrityError(
            f"{snapshot.directory}: the last records are not those that were signed, so that nothing can be added. "
            "Run `nexus-ansible audit verify` to see what was changed, and restore the ledger from a backup."
        )
    return Head(
        snapshot.note,
        edge,
        len(join_prefixed(leaves, ENTRY_PREFIX)),
        len(join_prefixed(frames, FRAME_PREFIX)),
    )


def commit(directory: Path, head: Head, batch: Batch, signer: Signer) -> Head:
    """Add a batch; it is durable when this returns. Raises OSError, after which the ledger is as it was.

    Payloads and entries are on the disk before the checkpoint that covers them takes the place of the old one, so
    that a crash at any point leaves a signed ledger, after which whole records may follow that recovery adopts.
    """
    edge, growth = head.edge.extend(batch.hashes)
    note = signer.sign(Checkpoint(signer.name, edge.size, edge.root).text)
    spread = list(pieces(head.edge.size, len(batch.leaves)))
    transaction = Transaction(directory)
    try:
        payload_bytes = _append_payloads(transaction, spread, batch, head)
        bundle_bytes = _append_entries(transaction, spread, batch, head)
        for tile in growth:
            _append_hashes(transaction, tile)
        transaction.prepare(CHECKPOINT, note.encode())
        transaction.sync_contents()
        finished = _rename_grown(transaction, spread, growth)
        transaction.sync_names()
        transaction.publish(CHECKPOINT)
    except OSError:
        transaction.undo()
        raise
    for path in finished:
        remove_directory(f"{directory}/{path}.p")
    return Head(note, edge, bundle_bytes, payload_bytes)


def _append_payloads(transaction: Transaction, spread: list[Piece], batch: Batch, head: Head) -> int:
    size = 0
    for piece in spread:
        offset = head.payload_bytes if piece.width else 0
        data = join_prefixed(batch.frames[piece.start : piece.stop], FRAME_PREFIX)
        transaction.append(payload_path(piece.bundle), offset, data)
        size = 0 if piece.new_width == WIDTH else offset + len(data)
    return size


def _append_entries(transaction: Transaction, spread: list[Piece], batch: Batch, head: Head) -> int:
    size = 0
    for piece in spread:
        offset = head.bundle_bytes if piece.width else 0
        data = join_prefixed(batch.leaves[piece.start : piece.stop], ENTRY_PREFIX)
        path = sized_path(bundle_path(piece.bundle), piece.width or piece.new_width)
        transaction.append(path, offset, data)
        size = 0 if piece.new_width == WIDTH else offset + len(data)
    return size


def _append_hashes(transaction: Transaction, tile: TileGrowth) -> None:
    path = sized_path(tile_path(tile.level, tile.index), tile.width or tile.new_width)
    append = transaction.append if tile.new_width == WIDTH else transaction.append_rebuildable
    append(path, tile.width * HASH_SIZE, tile.hashes)


def _rename_grown(transaction: Transaction, spread: list[Piece], growth: list[TileGrowth]) -> list[str]:
    grown = [(bundle_path(piece.bundle), piece.width, piece.new_width) for piece in spread if piece.width]
    grown += [(tile_path(tile.level, tile.index), tile.width, tile.new_width) for tile in growth if tile.width]
    for path, width, new_width in grown:
        transaction.rename(sized_path(path, width), sized_path(path, new_width))
    return [path for path, _, new_width in grown if new_width == WIDTH]


def _edge(size: int, tile: Callable[[int, int, int], bytes]) -> Edge:
    tiles: list[bytes] = []
    for level, index, width in edge_tiles(size):
        tiles += [b""] * (level - len(tiles))
        tiles.append(tile(level, index, width))
    return Edge.from_tiles(size, tiles)
