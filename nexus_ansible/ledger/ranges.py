# SPDX-License-Identifier: Apache-2.0
"""Sets of record indices as ranges: small for whole runs, and the text form an `erased` record names them in."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class IndexRanges:
    """A set of indices, added in ascending order."""

    def __init__(self, indices: Iterable[int] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for index in indices:
            self.add(index)

    @classmethod
    def parse(cls, text: str) -> IndexRanges:
        """Read the form `0-17,25`. Raises ValueError."""
        ranges = cls()
        for part in filter(None, text.split(",")):
            first, dash, last = part.partition("-")
            ranges.add_range(int(first), int(last if dash else first) + 1)
        return ranges

    @classmethod
    def union(cls, sets: Iterable[IndexRanges]) -> IndexRanges:
        """Return what is in any of the sets."""
        ranges = cls()
        for start, stop in sorted(span for one in sets for span in one.spans()):
            ranges.add_range(start, stop)
        return ranges

    @property
    def stop(self) -> int:
        """One more than the largest index, 0 if there is none."""
        return self._stops[-1] if self._stops else 0

    def add(self, index: int) -> None:
        """Add one index, not below any added before."""
        self.add_range(index, index + 1)

    def add_range(self, start: int, stop: int) -> None:
        """Add the indices start..stop-1, not below any range added before. Raises ValueError."""
        if start >= stop or (self._stops and start < self._starts[-1]):
            raise ValueError(f"the range {start}-{stop - 1} is empty or out of order")
        if self._stops and start <= self._stops[-1]:
            self._stops[-1] = max(self._stops[-1], stop)
        else:
            self._starts.append(start)
            self._stops.append(stop)

    def __contains__(self, index: int) -> bool:
        at = bisect_right(self._starts, index) - 1
        return at >= 0 and index < self._stops[at]

    def __iter__(self) -> Iterator[int]:
        for start, stop in self.spans():
            yield from range(start, stop)

    def __len__(self) -> int:
        return sum(stop - start for start, stop in self.spans())

    def __str__(self) -> str:
        return ",".join(f"{start}-{stop - 1}" if stop - start > 1 else str(start) for start, stop in self.spans())

    def spans(self) -> Iterator[tuple[int, int]]:
        """List the ranges as (start, stop)."""
        return zip(self._starts, self._stops, strict=True)
