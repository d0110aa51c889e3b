# SPDX-License-Identifier: Apache-2.0
"""The known name that somebody probably meant, found in time that hardly grows with the number of names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache

FEW = 200
LOOKED_AT = 2_000
COMPARED = 20
ALIKE = 0.6


def closest(name: str, known: Sequence[str]) -> str | None:
    """The known name that is most like another one, or None when none is.

    Of many names, only those are compared that share the rarest pairs of letters with it.

    >>> closest("bakend", ["backend", "frontend"])
    'backend'
    """
    candidates = known if len(known) <= FEW else _candidates(name, tuple(known))
    found = get_close_matches(name, candidates, n=1, cutoff=ALIKE)
    return found[0] if found else None


def _candidates(name: str, known: tuple[str, ...]) -> list[str]:
    index = _index(known)
    shared: Counter[int] = Counter()
    for places in sorted((index[pair] for pair in _pairs(name) if pair in index), key=len):
        room = LOOKED_AT - shared.total()
        if room <= 0:
            break
        shared.update(places[:room])
    return [known[place] for place, _ in shared.most_common(COMPARED)]


@lru_cache(maxsize=8)
def _index(known: tuple[str, ...]) -> dict[str, list[int]]:
    """Places of the names that hold a pair of letters, by pair."""
    index: defaultdict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(known):
        for pair in _pairs(name):
            index[pair].append(place)
    return dict(index)


def _pairs(name: str) -> set[str]:
    """Neighbouring letters, in small letters; the beginning and the end count as letters."""
    padded = f"\n{name.lower()}\n"
    return {padded[start : start + 2] for start in range(len(padded) - 1)}
