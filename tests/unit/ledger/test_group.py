# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger import GroupCommit, Ledger, Record, RecordError, read, verify

from .samples import task

if TYPE_CHECKING:
    from pathlib import Path


def test_records_of_many_threads_are_all_committed_in_fewer_groups(directory: Path) -> None:
    ledger = Ledger.open(directory)
    with GroupCommit(ledger) as group:
        threads = [
            threading.Thread(target=lambda run=str(run): [group.add(task(number, run)) for number in range(50)])
            for run in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert verify(directory).problems == ()
    assert sum(1 for _ in read(directory)) == 400


def test_a_record_is_committed_without_flush_or_close(directory: Path) -> None:
    group = GroupCommit(Ledger.open(directory))
    group.add(task(1))
    for _ in range(100_000):
        if any(True for _ in read(directory)):
            break
    assert sum(1 for _ in read(directory)) == 1
    group.close()


def test_flush_makes_what_was_added_durable(directory: Path) -> None:
    with GroupCommit(Ledger.open(directory)) as group:
        group.add(task(1))
        group.flush()
        assert sum(1 for _ in read(directory)) == 1


def test_a_record_that_cannot_be_stored_is_refused_when_it_is_added(directory: Path) -> None:
    with GroupCommit(Ledger.open(directory)) as group:
        with pytest.raises(RecordError, match="the ledger fills in itself"):
            group.add(Record("note", "r", {"n": 1}))
        group.add(task(1))
    assert sum(1 for _ in read(directory)) == 1


def test_a_failed_commit_keeps_its_records_and_shows_in_every_call_until_it_succeeds(directory: Path) -> None:
    group = GroupCommit(Ledger.open(directory))
    (directory / "checkpoint.tmp").mkdir()
    group.add(task(1))
    with pytest.raises(LedgerIntegrityError, match="Is a directory"):
        group.flush()
    with pytest.raises(LedgerIntegrityError, match="Is a directory"):
        group.add(task(2))
    (directory / "checkpoint.tmp").rmdir()
    group.flush()
    group.add(task(2))
    group.close()
    assert [entry.record["task"] for entry in read(directory)] == ["Deploy | Step 1", "Deploy | Step 2"]
