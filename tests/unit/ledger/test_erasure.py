# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.ledger import Ledger, Moment, Query, Record, expired, payload, read, verify
from nexus_ansible.ledger.erasure import MAX_INDICES, erasure_records
from nexus_ansible.ledger.ranges import IndexRanges

from .samples import ended, started, task, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def ledger(directory: Path) -> Ledger:
    ledger = Ledger.open(directory)
    ledger.append([started("a", "alice"), *(task(number, "a") for number in range(300)), ended("a")])
    ledger.append([started("b", "bob"), task(1, "b"), ended("b")])
    return ledger


def test_erased_payloads_are_gone_from_every_file_and_the_log_still_verifies(ledger: Ledger) -> None:
    before = {path: path.read_bytes() for path in (ledger.directory / "payload").rglob("*") if path.is_file()}
    indices = ledger.erase(Query(run="a"), reason="retention", payload={"actor": "carol"})
    assert str(indices) == "0-300"
    verification = verify(ledger.directory)
    assert verification.problems == ()
    assert (verification.payloads, verification.erased) == (3, 301)
    assert payload(ledger.directory, 0) is None
    assert payload(ledger.directory, 303) == {"message": "done 1"}
    frame = before[ledger.directory / "payload" / "000"][4:200]
    assert not [path for path in ledger.directory.rglob("*") if path.is_file() and frame in path.read_bytes()]


def test_erasing_is_recorded_with_indices_and_reason_and_without_a_person(ledger: Ledger) -> None:
    ledger.erase(Query(actor="alice"), reason="request 17", payload={"actor": "carol"})
    entry = list(read(ledger.directory))[-1]
    assert entry.record["kind"] == "erased"
    assert (entry.record["indices"], entry.record["reason"], entry.record["payloads"]) == ("0-300", "request 17", 301)
    assert payload(ledger.directory, entry.index) == {"actor": "carol"}


def test_writers_go_on_after_another_one_erased(ledger: Ledger) -> None:
    other = Ledger.open(ledger.directory)
    other.append([started("c")])
    ledger.erase(Query(run="b"), reason="retention")
    other.append([task(1, "c")])
    ledger.append([task(2, "c")])
    assert verify(ledger.directory).problems == ()
    assert payload(ledger.directory, 307) == {"message": "done 1"}


def test_nothing_to_erase_records_nothing(ledger: Ledger) -> None:
    assert len(ledger.erase(Query(run="none"), reason="retention")) == 0
    ledger.erase(Query(run="b"), reason="retention")
    size = verify(ledger.directory).size
    ledger.erase(Query(run="b"), reason="retention")
    assert verify(ledger.directory).size == size


def test_what_is_older_than_the_retention_period_expires(directory: Path) -> None:
    ledger = Ledger.open(directory)
    now = datetime(2033, 6, 1, tzinfo=UTC)
    for year in (2025, 2026, 2027):
        wall = int(datetime(year, 6, 2, tzinfo=UTC).timestamp()) * 10**9
        ledger.append([Record("note", str(year), {}, {"text": str(year)}, Moment(wall, wall))])
    ledger.erase(expired(timedelta(days=2557), now), reason="retention")
    assert [payload(directory, index) for index in range(3)] == [None, {"text": "2026"}, {"text": "2027"}]


def test_a_payload_that_is_gone_without_a_record_of_it_is_a_problem(directory: Path) -> None:
    written(directory, 20)
    twin = directory.with_name("twin")
    shutil.copytree(directory, twin)
    Ledger.open(twin, witness=twin / "witness").erase(Query(host="backend-2"), reason="retention")
    shutil.copy(twin / "payload" / "000", directory / "payload" / "000")
    indices = [problem.index for problem in verify(directory).problems]
    assert [index for index in indices if index is not None and index < 20] == [2, 5, 8, 11, 14, 17]
    assert "no record says that it was erased" in verify(directory).problems[0].what


def test_a_missing_payload_file_names_its_records(directory: Path) -> None:
    written(directory, 5)
    (directory / "payload" / "000").unlink()
    assert [problem.index for problem in verify(directory).problems] == [0, 1, 2, 3]


def test_an_interrupted_erasure_is_named_and_repeated(ledger: Ledger) -> None:
    before = (ledger.directory / "payload" / "000").read_bytes()
    ledger.erase(Query(run="a"), reason="retention")
    (ledger.directory / "payload" / "000").write_bytes(before)
    problem = verify(ledger.directory).problems[0]
    assert (problem.index, problem.hint) == (0, "The erasure was interrupted: erase it again.")
    ledger.erase(Query(run="a"), reason="retention")
    assert verify(ledger.directory).intact


def test_indices_that_do_not_fit_one_record_are_spread_over_several() -> None:
    indices = IndexRanges(range(0, 40_000, 2))
    records = erasure_records(indices, "retention", None)
    assert len(records) > 1
    assert all(len(record.fields["indices"]) <= MAX_INDICES for record in records)
    assert [index for record in records for index in IndexRanges.parse(record.fields["indices"])] == list(indices)
