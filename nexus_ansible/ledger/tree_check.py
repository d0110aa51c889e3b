# SPDX-License-Identifier: Apache-2.0
"""Whether entries and tiles are those that the signed root covers; if not, which."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nexus_ansible.ledger.comparison import RESTORE, BundleComparison, read_leaf
from nexus_ansible.ledger.merkle import HASH_SIZE, fold, leaf_hash, split_hashes
from nexus_ansible.ledger.tiles import ENTRY_PREFIX, WIDTH, Edge, bundle_path, split_prefixed, tile_path
from nexus_ansible.ledger.verification import LedgerProblem, describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nexus_ansible.ledger.snapshot import Snapshot

_UNLOCATED = "Everything was rewritten consistently: compare with a copy of the ledger to find the records."


@dataclass
class TreeCheck:
    """Hashes all records of a snapshot once and remembers which bundles differ from their tile."""

    snapshot: Snapshot
    edge: Edge = field(default_factory=lambda: Edge(0))
    upper: dict[tuple[int, int], bytes] = field(default_factory=dict)
    doubtful: list[int] = field(default_factory=list)

    def read(self, bundle: int) -> tuple[list[bytes], list[bytes], bool]:
        """Return the leaves of the next bundle, their hashes, and whether they are what its tile says."""
        data = self.snapshot.file(bundle_path(bundle))
        leaves, taken = split_prefixed(data, ENTRY_PREFIX, self.snapshot.width(bundle))
        hashes = [leaf_hash(leaf) for leaf in leaves]
        logged = self.snapshot.file(tile_path(0, bundle))
        width = self.snapshot.width(bundle)
        good = len(leaves) == width and taken == len(data) and b"".join(hashes) == logged
        if not good:
            self.doubtful.append(bundle)
        self._grow(hashes if len(hashes) == width else _fitted(split_hashes(logged), width))
        return leaves, hashes, good

    def problems(self) -> Iterator[LedgerProblem]:
        """Yield what is wrong, after all bundles were read."""
        genuine = self.edge.root == self.snapshot.checkpoint.root
        located = False
        for bundle in self.doubtful:
            for problem in self._bundle_problems(bundle, genuine):
                located = True
                yield problem
        if genuine:
            yield from self._upper_problems()
        else:
            for problem in self._rewritten():
                located = True
                yield problem
        if not genuine and not located:
            path = self.snapshot.directory / "checkpoint"
            yield LedgerProblem(None, None, f"the records do not have the root that {path} signs", _UNLOCATED)

    def _grow(self, hashes: Sequence[bytes]) -> None:
        self.edge, growth = self.edge.extend(hashes)
        for tile in growth:
            if tile.level:
                place = (tile.level, tile.index)
                self.upper[place] = self.upper.get(place, b"") + tile.hashes

    def _bundle_problems(self, bundle: int, genuine: bool) -> Iterator[LedgerProblem]:
        start, width = bundle * WIDTH, self.snapshot.width(bundle)
        data = self.snapshot.file(bundle_path(bundle))
        leaves, taken = split_prefixed(data, ENTRY_PREFIX, width)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        logged = self.snapshot.tile(0, bundle)
        whole = len(leaves) == width
        if whole and hashes != logged and (genuine or self._is_logged_above(bundle, hashes)):
            place = start + next(
                (at for at, pair in enumerate(zip(hashes, logged, strict=False)) if pair[0] != pair[1]), 0
            )
            what = f"{tile_path(0, bundle)} has another hash than record {place}, which is genuine"
            yield LedgerProblem(place, None, what, RESTORE)
        elif len(logged) != width or any(len(item) < HASH_SIZE for item in logged):
            what = f"records {start} to {start + width - 1} and their hashes in {tile_path(0, bundle)} are damaged"
            yield LedgerProblem(start, None, what, RESTORE)
        elif not data:
            what = f"records {start} to {start + width - 1} are gone: {bundle_path(bundle)} is missing"
            yield LedgerProblem(start, None, what, RESTORE)
        elif hashes != logged:
            all_leaves, taken = split_prefixed(data, ENTRY_PREFIX, WIDTH * 2)
            yield from BundleComparison(start, all_leaves, logged).problems()
        if hashes == logged and taken < len(data):
            yield _tail_problem(start + width, data[taken:], bundle_path(bundle))

    def _rewritten(self) -> Iterator[LedgerProblem]:
        """Find bundles whose own tile was changed along with them, by the tiles above."""
        for bundle in range(self.snapshot.size // WIDTH):
            logged = self._logged_above(bundle)
            own = self.upper.get((1, bundle // WIDTH), b"")[bundle % WIDTH * HASH_SIZE :][:HASH_SIZE]
            if logged and logged != own and bundle not in self.doubtful:
                start = bundle * WIDTH
                what = f"a record between {start} and {start + WIDTH - 1} was changed, and its hash in the tile with it"
                yield LedgerProblem(start, None, what, RESTORE)

    def _upper_problems(self) -> Iterator[LedgerProblem]:
        for (level, index), hashes in self.upper.items():
            if self.snapshot.file(tile_path(level, index)) != hashes:
                start = index * WIDTH ** (level + 1)
                what = f"{tile_path(level, index)}, the hashes over the records from {start} on, is damaged"
                yield LedgerProblem(start, None, what, RESTORE)

    def _is_logged_above(self, bundle: int, hashes: Sequence[bytes]) -> bool:
        return len(hashes) == WIDTH and self._logged_above(bundle) == fold(hashes)

    def _logged_above(self, bundle: int) -> bytes:
        data = self.snapshot.file(tile_path(1, bundle // WIDTH))
        return data[bundle % WIDTH * HASH_SIZE :][:HASH_SIZE]


TAIL = "If a writer was interrupted just now, the next record puts this in order; otherwise somebody added it."


def _tail_problem(index: int, rest: bytes, path: str) -> LedgerProblem:
    leaves, taken = split_prefixed(rest, ENTRY_PREFIX)
    record = read_leaf(leaves[0]) if leaves else None
    what = f"{describe(index, record)} follows" if record else f"{len(rest) - taken} bytes follow"
    return LedgerProblem(index, (record or {}).get("run"), f"{what} in {path} after the last one that is signed", TAIL)


def _fitted(hashes: list[bytes], width: int) -> list[bytes]:
    """Stand in for hashes that cannot be computed, so that those after them keep their place."""
    return (hashes + [bytes(HASH_SIZE)] * width)[:width]
