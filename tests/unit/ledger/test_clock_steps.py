# SPDX-License-Identifier: Apache-2.0
"""Steps of the wall clock between two records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexus_ansible.ledger import Ledger, Moment, Record, verify

from .samples import written
from .tampering import bundle_file, leaves_of, write_leaves

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000


def at(seconds: float, monotonic: float | None = None) -> Moment:
    begin = 1_750_000_000
    boottime = seconds if monotonic is None else monotonic
    return Moment(int((begin + seconds) * SECOND), int((1000 + boottime) * SECOND))


@pytest.mark.parametrize(
    ("later", "is_step"),
    [
        (at(10.0), False),
        (at(11.9, 10.0), False),
        (at(12.5, 10.0), True),
        (at(3600.0, 10.0), True),
        (at(-0.5, 10.0), True),
        (at(-0.5, 0.1), True),
        (at(-0.5, -0.5), False),
        (at(-0.005, 0.002), False),
    ],
)
def test_a_step_of_the_wall_clock_is_found_between_two_records(directory: Path, later: Moment, is_step: bool) -> None:
    ledger = Ledger.open(directory)
    ledger.append([Record("note", "r", at=at(0.0)), Record("note", "r", at=later)])
    problems = verify(directory).problems
    assert [problem.index for problem in problems] == ([1] if is_step else [])
    assert all("clock step of" in problem.what for problem in problems)


def test_a_clock_step_that_a_later_record_acknowledges_is_accepted_and_listed(directory: Path) -> None:
    ledger = Ledger.open(directory)
    ledger.append([Record("note", "r", at=at(0.0)), Record("note", "r", at=at(90.0, 1.0))])
    ledger.append([Record("acknowledged", None, {"index": 1}, at=at(91.0, 2.0))])
    verification = verify(directory)
    assert verification.problems == ()
    assert [problem.index for problem in verification.accepted] == [1]


def test_nothing_but_a_clock_step_can_be_acknowledged(directory: Path) -> None:
    ledger = written(directory, 5)
    ledger.append([Record("acknowledged", None, {"index": 2})])
    leaves = leaves_of(directory, 6)
    leaves[2] = leaves[2].replace(b"production", b"prodpction")
    write_leaves(bundle_file(directory, 6, 0), leaves)
    assert [problem.index for problem in verify(directory).problems] == [2]
