# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_ansible.ledger.ranges import IndexRanges


@given(st.sets(st.integers(min_value=0, max_value=200)))
def test_ranges_hold_what_was_added_and_survive_their_text(indices: set[int]) -> None:
    ranges = IndexRanges.parse(str(IndexRanges(sorted(indices))))
    assert list(ranges) == sorted(indices)
    assert len(ranges) == len(indices)
    assert all((index in ranges) == (index in indices) for index in range(202))


def test_neighbours_are_written_as_one_range() -> None:
    assert str(IndexRanges([0, 1, 2, 7, 9, 10])) == "0-2,7,9-10"


@pytest.mark.parametrize("text", ["5-4", "9,2", "x", "1-", "-"])
def test_text_that_is_no_list_of_ranges_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid literal|empty or out of order"):
        IndexRanges.parse(text)
