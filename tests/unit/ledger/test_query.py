# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.ledger import Ledger, Moment, Query, QueryError, Record, select

from .samples import ended, started, task

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def moment(minutes: int) -> Moment:
    return Moment(int((BEGIN + timedelta(minutes=minutes)).timestamp()) * 10**9, minutes * 60 * 10**9)


@pytest.fixture
def ledger(directory: Path) -> Path:
    records = [
        started("a", "alice"),
        task(1, "a", changed=True),
        task(2, "a", outcome="failed", changed=False),
        ended("a", "failed"),
        started("b", "bob", env="staging"),
        task(1, "b", env="staging", service="database", outcome="unreachable", changed=False),
        ended("b", "ok"),
    ]
    timed = [
        Record(record.kind, record.run, record.fields, record.payload, moment(minute))
        for minute, record in enumerate(records)
    ]
    Ledger.open(directory).append(timed)
    return directory


@pytest.mark.parametrize(
    ("query", "indices"),
    [
        (Query(), [0, 1, 2, 3, 4, 5, 6]),
        (Query(env="staging"), [4, 5]),
        (Query(service="backend"), [1, 2]),
        (Query(host="backend-2"), [1, 5]),
        (Query(actor="alice"), [0, 1, 2, 3]),
        (Query(actor="nobody"), []),
        (Query(run="b"), [4, 5, 6]),
        (Query(kind="run_ended"), [3, 6]),
        (Query(changed=True), [1]),
        (Query(changed=False), [2, 5]),
        (Query(failed=True), [2, 3, 5]),
        (Query(failed=False, kind="task"), [1]),
        (Query(since=BEGIN + timedelta(minutes=5)), [5, 6]),
        (Query(until=BEGIN + timedelta(minutes=2)), [0, 1]),
        (Query(since=(BEGIN + timedelta(minutes=5)).astimezone(tz=None)), [5, 6]),
        (Query(actor="bob", failed=True), [5]),
    ],
)
def test_a_query_selects_the_records_that_fit_all_it_asks(ledger: Path, query: Query, indices: list[int]) -> None:
    assert [found.index for found in select(ledger, query)] == indices


def test_selected_records_come_with_payload_and_the_actor_of_their_run(ledger: Path) -> None:
    found = list(select(ledger, Query(run="b")))
    assert [record.actor for record in found] == ["bob", "bob", "bob"]
    assert [record.payload for record in found] == [
        {"actor": "bob", "reason": "release 1.2"},
        {"message": "done 1"},
        None,
    ]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(QueryError, match="has no time zone"):
        Query(since=datetime(2026, 3, 1))  # noqa: DTZ001
