# SPDX-License-Identifier: Apache-2.0
"""Which records of a bundle were edited, deleted, inserted, repeated or moved, told from the hashes in its tile."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

import orjson

from nexus_ansible.ledger.merkle import leaf_hash
from nexus_ansible.ledger.verification import LedgerProblem, describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RESTORE = "Restore the file from a backup and find out who can write it."


class BundleComparison:
    """The records found in a bundle, of which the first has index `start`, against the hashes logged for them."""

    def __init__(self, start: int, leaves: Sequence[bytes], logged: Sequence[bytes]) -> None:
        self._start = start
        self._leaves = leaves
        self._logged = logged
        self._found = [leaf_hash(leaf) for leaf in leaves]

    def problems(self) -> Iterator[LedgerProblem]:
        """Yield one problem for each record that is not where and what its hash says."""
        changed = self._differences()
        moved = {self._logged[place] for first, last, _, _ in changed for place in range(first, last)}
        moved &= set(self._found)
        for first, last, other, end in changed:
            for place in range(first, last):
                beside = other + place - first
                yield self._not_as_logged(place, beside if beside < end else None, moved)
            for place in range(other + last - first, end):
                if self._found[place] not in moved:
                    yield self._added(place)

    def _differences(self) -> list[tuple[int, int, int, int]]:
        """Return the fewest differences as (first, last) in the logged and (other, end) in the found records."""
        steps = SequenceMatcher(None, self._logged, self._found, autojunk=False).get_opcodes()
        aligned = [(first, last, other, end) for tag, first, last, other, end in steps if tag != "equal"]
        if len(self._logged) != len(self._found):
            return aligned
        pairs = enumerate(zip(self._logged, self._found, strict=True))
        in_place = [(place, place + 1, place, place + 1) for place, (logged, found) in pairs if logged != found]
        return (
            in_place
            if len(in_place) <= sum(last - first + end - other for first, last, other, end in aligned)
            else aligned
        )

    def _not_as_logged(self, place: int, beside: int | None, moved: set[bytes]) -> LedgerProblem:
        if self._logged[place] in moved:
            target = self._found.index(self._logged[place])
            return self._problem(place, target, f"was moved to the place of record {self._start + target}")
        if beside is None:
            return self._problem(place, None, "was deleted")
        if self._found[beside] in self._logged:
            original = self._start + self._logged.index(self._found[beside])
            return self._problem(place, None, f"was replaced by a copy of record {original}")
        return self._problem(place, beside, "was edited")

    def _added(self, place: int) -> LedgerProblem:
        if self._found[place] in self._logged:
            original = self._logged.index(self._found[place])
            return self._problem(original, place, f"is repeated at the place of record {self._start + place}")
        return self._problem(place, place, "was inserted")

    def _problem(self, place: int, shown: int | None, what: str) -> LedgerProblem:
        index = self._start + place
        record = None if shown is None else read_leaf(self._leaves[shown])
        return LedgerProblem(index, (record or {}).get("run"), f"{describe(index, record)} {what}", RESTORE)


def read_leaf(leaf: bytes) -> dict[str, Any] | None:
    """Return the record a leaf holds, None if it holds none."""
    try:
        record = orjson.loads(leaf)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None
