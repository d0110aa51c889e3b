# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from nexus_ansible.run.crosscheck import RunnerEvents, recap_discrepancies
from nexus_ansible.run.tally import Tally


def event(name: str, **more: Any) -> dict[str, Any]:
    return {"event": name, "pid": 7, **more}


def tally(**outcomes: int) -> Tally:
    found = Tally()
    for outcome, number in outcomes.items():
        found.outcomes["web-1", outcome] += number
    return found


def test_a_stream_without_results_is_not_forged() -> None:
    events = RunnerEvents()
    for name in ("playbook_on_start", "playbook_on_task_start", "warning", "playbook_on_stats"):
        events.take(event(name))
    events.take({"event": "verbose", "stdout": "hello"})
    events.take({"event": "EOF"})
    assert events.forged() == []


def test_the_runner_keeps_no_file_of_an_event() -> None:
    assert RunnerEvents().take(event("playbook_on_stats")) is False


def test_an_event_without_a_process_is_named_with_what_it_claims() -> None:
    events = RunnerEvents()
    events.take({"event": "playbook_on_stats", "event_data": {"host": "paymaster", "task": "Pay"}})
    assert events.forged() == ["forged runner event playbook_on_stats, host paymaster, task Pay"]


@pytest.mark.parametrize("name", ["runner_on_ok", "runner_on_failed", "runner_on_start", "runner_item_on_ok"])
def test_a_result_is_named_once_even_with_a_process(name: str) -> None:
    events = RunnerEvents()
    for _ in range(3):
        events.take(event(name, event_data={"host": "paymaster"}))
    assert events.forged() == [f"forged runner event {name}, host paymaster"]


def test_a_recap_that_adds_up_has_no_discrepancies() -> None:
    found = tally(ok=3, skipped=1)
    found.outcomes["web-1", "ignored"] += 1
    found.outcomes["web-1", "failed"] += 1
    found.changed["web-1"] += 2
    found.recap = {"web-1": {"ok": 4, "changed": 2, "failures": 0, "rescued": 1, "skipped": 1, "unreachable": 0}}
    assert recap_discrepancies(found) == []


def test_a_recap_that_claims_more_than_the_records_is_named() -> None:
    found = tally(ok=1)
    found.recap = {"web-1": {"ok": 2, "changed": 0, "failures": 0, "skipped": 0, "unreachable": 0}}
    (told,) = recap_discrepancies(found)
    assert told.startswith("the recap of web-1 says {'ok': 2,")
