# SPDX-License-Identifier: Apache-2.0
"""What a crash or a full disk left behind the signed head: found, kept as far as it is whole, and put in order."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from nexus_ansible.ledger.checkpoint import Checkpoint
from nexus_ansible.ledger.files import write_durably
from nexus_ansible.ledger.head import Head, pieces
from nexus_ansible.ledger.merkle import HASH_SIZE, leaf_hash
from nexus_ansible.ledger.payloads import FRAME_PREFIX, Batch, decrypt_frame, encode_batch, payload_path
from nexus_ansible.ledger.records import RECOVERED, VERSION, Record
from nexus_ansible.ledger.snapshot import CHECKPOINT, Snapshot, variants
from nexus_ansible.ledger.tiles import (
    ENTRY_PREFIX,
    WIDTH,
    Edge,
    TileGrowth,
    bundle_path,
    edge_tiles,
    join_prefixed,
    sized_path,
    split_prefixed,
    tile_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from nexus_ansible.ledger.note import Signer


@dataclass(frozen=True)
class Leftover:
    """Whole records after the signed head, and how many bytes after those were torn."""

    leaves: list[bytes]
    frames: list[bytes]
    torn: int


def is_tidy(directory: Path, head: Head) -> bool:
    """Say whether every unfinished file has the name and length the head asks for, and none lies beyond it."""
    if not head.is_on_disk(directory):
        return False
    bundle, width = divmod(head.edge.size, WIDTH)
    if (directory / payload_path(bundle)).exists() != (width > 0):
        return False
    wanted = {bundle_path(bundle): (width, head.bundle_bytes)}
    index = head.edge.size
    for level in range(len(head.edge.levels) + 2):
        hashes = head.edge.tile(level)
        index //= WIDTH
        wanted[tile_path(level, index)] = (len(hashes) // HASH_SIZE, len(hashes))
    return all(_has_only(directory, path, width, size) for path, (width, size) in wanted.items())


def find_leftover(snapshot: Snapshot, cipher: AESGCM) -> Leftover:
    """Read on after the signed head as far as whole records follow. Raises OSError."""
    leaves: list[bytes] = []
    frames: list[bytes] = []
    torn = 0
    bundle, width = divmod(snapshot.size, WIDTH)
    while True:
        more_leaves, lost_entry = _read_on(variants(snapshot.directory, bundle_path(bundle)), ENTRY_PREFIX, width)
        payload = [snapshot.directory / payload_path(bundle)]
        more_frames, lost_frame = _read_on([name for name in payload if name.is_file()], FRAME_PREFIX, width)
        whole = 0
        for index, (leaf, frame) in enumerate(zip(more_leaves, more_frames, strict=False), bundle * WIDTH + width):
            if not _is_whole(cipher, index, leaf, frame):
                break
            whole += 1
        leaves += more_leaves[:whole]
        frames += more_frames[:whole]
        torn += lost_entry + sum(map(len, more_leaves[whole:])) + lost_frame + sum(map(len, more_frames[whole:]))
        if width + whole < WIDTH:
            return Leftover(leaves, frames, torn)
        bundle, width = bundle + 1, 0


def recover(snapshot: Snapshot, head: Head, cipher: AESGCM, signer: Signer) -> Head:
    """Adopt whole records after the head, drop what is torn, and record both in an entry `recovered`. Raises OSError.

    Files are replaced as a whole, the checkpoint last, so that a crash meanwhile loses nothing either.
    """
    leftover = find_leftover(snapshot, cipher)
    found = Batch(leftover.leaves, [leaf_hash(leaf) for leaf in leftover.leaves], leftover.frames)
    if leftover.leaves or leftover.torn:
        fields = {"adopted": len(leftover.leaves), "dropped_bytes": leftover.torn, "from_index": snapshot.size}
        record = Record(RECOVERED, None, fields)
        own = encode_batch(cipher, snapshot.size + len(leftover.leaves), [record], [None])
        found = Batch(found.leaves + own.leaves, found.hashes + own.hashes, found.frames + own.frames)
    return _rewrite(snapshot, head, found, signer)


def _rewrite(snapshot: Snapshot, head: Head, batch: Batch, signer: Signer) -> Head:
    edge, growth = head.edge.extend(batch.hashes)
    files, bundle_bytes, payload_bytes = _whole_bundles(snapshot, batch)
    files |= _whole_tiles(head.edge, growth)
    kept = {snapshot.directory / path for path in files}
    for path, data in files.items():
        write_durably(snapshot.directory / path, data)
    _remove_others(snapshot.directory, snapshot.size, edge, kept)
    note = snapshot.note
    if batch.leaves:
        note = signer.sign(Checkpoint(signer.name, edge.size, edge.root).text)
        write_durably(snapshot.directory / CHECKPOINT, note.encode())
    return Head(note, edge, bundle_bytes, payload_bytes)


def _whole_bundles(snapshot: Snapshot, batch: Batch) -> tuple[dict[str, bytes], int, int]:
    """Return the files from the unfinished bundle on, payloads first, and the sizes of the one unfinished then."""
    files: dict[str, bytes] = {}
    bundle, width = divmod(snapshot.size, WIDTH)
    leaves = (snapshot.leaves(bundle) if width else []) + batch.leaves
    frames = (snapshot.frames(bundle) if width else []) + batch.frames
    bundle_bytes = payload_bytes = 0
    for piece in pieces(bundle * WIDTH, len(leaves)):
        payload = join_prefixed(frames[piece.start : piece.stop], FRAME_PREFIX)
        entries = join_prefixed(leaves[piece.start : piece.stop], ENTRY_PREFIX)
        files[payload_path(piece.bundle)] = payload
        files[sized_path(bundle_path(piece.bundle), piece.new_width)] = entries
        full = piece.new_width == WIDTH
        bundle_bytes, payload_bytes = (0, 0) if full else (len(entries), len(payload))
    return files, bundle_bytes, payload_bytes


def _whole_tiles(edge: Edge, growth: list[TileGrowth]) -> dict[str, bytes]:
    tiles = {(level, index): edge.tile(level) for level, index, _ in edge_tiles(edge.size)}
    for tile in growth:
        place = (tile.level, tile.index)
        tiles[place] = tiles.get(place, b"") + tile.hashes
    return {
        sized_path(tile_path(level, index), len(hashes) // HASH_SIZE): hashes
        for (level, index), hashes in tiles.items()
    }


def _remove_others(directory: Path, size: int, edge: Edge, kept: set[Path]) -> None:
    """Delete states of the files from record `size` on that are not `kept`."""
    unit = WIDTH
    places: list[tuple[Callable[[int], str], int]] = [(bundle_path, unit), (payload_path, unit)]
    for level in range(len(edge.levels) + 2):
        places.append((partial(tile_path, level), unit))
        unit *= WIDTH
    for name_of, unit in places:
        index = size // unit
        while (found := variants(directory, name_of(index))) or index <= edge.size // unit:
            for name in found:
                if name not in kept:
                    name.unlink()
            with suppress(OSError):  # it is not empty: something in it is kept
                (directory / f"{name_of(index)}.p").rmdir()
            index += 1


def _read_on(names: list[Path], prefix: int, width: int) -> tuple[list[bytes], int]:
    """Return the whole items after the first `width` in the file that has most, and the bytes after those."""
    best: list[bytes] = []
    rest = 0
    for name in names:
        data = name.read_bytes()
        items, taken = split_prefixed(data, prefix)
        if len(items) >= len(best):
            best, rest = items, len(data) - taken
    return best[width:], rest


def _is_whole(cipher: AESGCM, index: int, leaf: bytes, frame: bytes) -> bool:
    try:
        record = orjson.loads(leaf)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(record, dict) or record.get("v") != VERSION:
        return False
    if record.get("payload") is None:
        return not frame
    plaintext = decrypt_frame(cipher, index, leaf_hash(leaf), frame)
    return plaintext is not None and sha256(plaintext).hexdigest() == record["payload"]


def _has_only(directory: Path, path: str, width: int, size: int) -> bool:
    names = [directory / sized_path(path, width)] if width else []
    found = variants(directory, path)
    return found == names and all(name.stat().st_size == size for name in found)
