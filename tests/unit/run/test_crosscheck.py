# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from nexus_ansible.run.crosscheck import RunnerEvents, recap_discrepancies
from nexus_ansible.run.tally import Tally


def event(name: str, task: str = "t1", **more: Any) -> dict[str, Any]:
    return {"event": name, "parent_uuid": task, "pid": 7, **more}


def tally(**outcomes: int) -> Tally:
    found = Tally()
    names = {"ok": "runner_on_ok", "failed": "runner_on_failed", "skipped": "runner_on_skipped"}
    for outcome, number in outcomes.items():
        found.outcomes["web-1", outcome] += number
        found.events[names[outcome], "t1"] += number
    return found


def test_a_stream_that_fits_the_records_has_no_discrepancies() -> None:
    events = RunnerEvents()
    for name in ("playbook_on_start", "runner_on_start", "runner_on_ok", "runner_on_failed", "verbose", "EOF"):
        events.take(event(name))
    assert events.discrepancies(tally(ok=1, failed=1), complete=True) == []


def test_the_runner_keeps_no_file_of_an_event() -> None:
    assert RunnerEvents().take(event("runner_on_ok")) is False


def test_an_event_without_a_process_is_named_with_what_it_claims() -> None:
    events = RunnerEvents()
    events.take({"event": "runner_on_ok", "event_data": {"host": "paymaster", "task": "Pay"}})
    assert events.discrepancies(tally(), complete=True) == [
        "forged runner event runner_on_ok, host paymaster, task Pay"
    ]


def test_an_event_too_many_is_named_even_with_a_process() -> None:
    events = RunnerEvents()
    for _ in range(3):
        events.take(event("runner_on_ok"))
    expected = "forged runner event: 1 more runner_on_ok of task t1 than Ansible ran"
    assert events.discrepancies(tally(ok=2), complete=True) == [expected]


def test_an_event_too_few_is_named_for_a_complete_run_only() -> None:
    events = RunnerEvents()
    expected = "suppressed runner event: 1 runner_on_failed of task t1 are not in the stream"
    assert events.discrepancies(tally(failed=1), complete=True) == [expected]
    assert events.discrepancies(tally(failed=1), complete=False) == []


def test_a_killed_run_may_have_told_its_last_result_to_the_runner_alone() -> None:
    events = RunnerEvents()
    for name in ("runner_on_ok", "runner_on_failed", "runner_on_failed"):
        events.take(event(name))
    expected = "forged runner event: 1 more runner_on_failed of task t1 than Ansible ran"
    assert events.discrepancies(tally(ok=1, failed=1), complete=False) == []
    assert events.discrepancies(tally(ok=1, failed=1), complete=True) == [expected]
    assert events.discrepancies(tally(ok=1), complete=False) == [expected]


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
