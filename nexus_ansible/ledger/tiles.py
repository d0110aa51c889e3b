# SPDX-License-Identifier: Apache-2.0
"""Names and contents of the files of a C2SP tlog-tiles log (https://c2sp.org/tlog-tiles), and how its tree grows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nexus_ansible.ledger.merkle import HASH_SIZE, Rows, extend_rows, root_of_rows, split_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""

ENTRY_PREFIX = 2
"""Bytes of an entry's length in a bundle."""

MAX_ENTRY = 0xFFFF
"""Largest entry in bytes."""


def index_path(index: int) -> str:
    """Write a tile's index as path elements: 1234067 is `x001/x234/067`."""
    elements = [f"{index % 1000:03}"]
    while index := index // 1000:
        elements.insert(0, f"x{index % 1000:03}")
    return "/".join(elements)


def tile_path(level: int, index: int) -> str:
    """Name the full tile, relative to the ledger."""
    return f"tile/{level}/{index_path(index)}"


def bundle_path(index: int) -> str:
    """Name the full entry bundle, relative to the ledger."""
    return f"tile/entries/{index_path(index)}"


def sized_path(path: str, width: int) -> str:
    """Name the tile or bundle of `path` when it holds `width` (1 to 256) hashes or entries."""
    return path if width == WIDTH else f"{path}.p/{width}"


def join_prefixed(items: Sequence[bytes], prefix: int) -> bytes:
    """Concatenate items, each after its length as a big-endian integer of `prefix` bytes."""
    return b"".join([part for item in items for part in (len(item).to_bytes(prefix, "big"), item)])


def split_prefixed(data: bytes, prefix: int, limit: int = WIDTH) -> tuple[list[bytes], int]:
    """Read up to `limit` whole items that `join_prefixed` wrote; return them and the number of bytes they took."""
    items: list[bytes] = []
    at, end = 0, len(data)
    while len(items) < limit and at + prefix <= end:
        start = at + prefix
        stop = start + int.from_bytes(data[at:start], "big")
        if stop > end:
            break
        items.append(data[start:stop])
        at = stop
    return items, at


@dataclass(frozen=True)
class TileGrowth:
    """Hashes to add to one tile, which has `width` of them already."""

    level: int
    index: int
    width: int
    hashes: bytes

    @property
    def new_width(self) -> int:
        """The hashes in the tile afterwards."""
        return self.width + len(self.hashes) // HASH_SIZE


@dataclass(frozen=True)
class Edge:
    """The unfinished tile of each level of a tree of `size` entries, with the nodes within: enough to go on from."""

    size: int
    levels: tuple[Rows, ...] = ()

    @classmethod
    def from_tiles(cls, size: int, tiles: Sequence[bytes]) -> Edge:
        """Make an edge of the concatenated hashes of the unfinished tile of each level."""
        return cls(size, tuple(extend_rows((), split_hashes(tile)) for tile in tiles))

    @cached_property
    def root(self) -> bytes:
        """The Merkle tree hash."""
        return root_of_rows(self.levels)

    def tile(self, level: int) -> bytes:
        """Return the concatenated hashes of a level's unfinished tile."""
        return b"".join(self.levels[level][0]) if level < len(self.levels) and self.levels[level] else b""

    def extend(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, list[TileGrowth]]:
        """Return the edge after more entries, and what to add to which tile."""
        growth: list[TileGrowth] = []
        levels = list(self.levels)
        hashes, count, level = list(leaf_hashes), self.size, 0
        while hashes:
            rows = levels[level] if level < len(levels) else ()
            finished: list[bytes] = []
            start = 0
            while start < len(hashes):
                index, width = divmod(count + start, WIDTH)
                part = hashes[start : start + WIDTH - width]
                rows = extend_rows(rows, part)
                growth.append(TileGrowth(level, index, width, b"".join(part)))
                start += len(part)
                if width + len(part) == WIDTH:
                    finished.append(rows[-1][0])
                    rows = ()
            levels[level : level + 1] = [rows]
            hashes, count, level = finished, count // WIDTH, level + 1
        return Edge(self.size + len(leaf_hashes), tuple(levels)), growth


def edge_tiles(size: int) -> list[tuple[int, int, int]]:
    """List (level, index, width) of the partial tiles a tree of `size` entries has."""
    tiles, level = [], 0
    while size:
        if size % WIDTH:
            tiles.append((level, size // WIDTH, size % WIDTH))
        level, size = level + 1, size // WIDTH
    return tiles
