# SPDX-License-Identifier: Apache-2.0
"""Names and contents of the files of a C2SP tlog-tiles log (https://c2sp.org/tlog-tiles), and how its tree grows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from nexus_ansible.ledger.merkle import EMPTY_ROOT, HASH_SIZE, fold, split_hashes

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
    parts = []
    for item in items:
        parts.append(len(item).to_bytes(prefix, "big"))
        parts.append(item)
    return b"".join(parts)


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
    """The unfinished tile of each level of a tree of `size` entries, as concatenated hashes: enough to go on from."""

    size: int
    levels: tuple[bytes, ...] = ()

    @cached_property
    def root(self) -> bytes:
        """The Merkle tree hash."""
        if self.size == 0:
            return EMPTY_ROOT
        rest: list[bytes] = []
        for level in self.levels:
            row = split_hashes(level) + rest
            rest = [fold(row)] if row else []
        return rest[0]

    def extend(self, leaf_hashes: Sequence[bytes]) -> tuple[Edge, list[TileGrowth]]:
        """Return the edge after more entries, and what to add to which tile."""
        growth: list[TileGrowth] = []
        levels: list[bytes] = []
        hashes = list(leaf_hashes)
        level, count = 0, self.size
        while hashes or level < len(self.levels):
            row = split_hashes(self.levels[level]) if level < len(self.levels) else []
            index, width = count // WIDTH, len(row)
            row += hashes
            hashes = []
            for at in range(0, len(row), WIDTH):
                tile = row[at : at + WIDTH]
                if len(tile) > width:
                    growth.append(TileGrowth(level, index, width, b"".join(tile[width:])))
                if len(tile) == WIDTH:
                    hashes.append(fold(tile))
                index, width = index + 1, 0
            levels.append(b"".join(row[len(row) - len(row) % WIDTH :]))
            level, count = level + 1, count // WIDTH
        return Edge(self.size + len(leaf_hashes), tuple(levels)), growth


def edge_tiles(size: int) -> list[tuple[int, int, int]]:
    """List (level, index, width) of the partial tiles a tree of `size` entries has."""
    tiles, level = [], 0
    while size:
        if size % WIDTH:
            tiles.append((level, size // WIDTH, size % WIDTH))
        level, size = level + 1, size // WIDTH
    return tiles
