# SPDX-License-Identifier: Apache-2.0
"""Durations, quantities, cron expressions and alert conditions."""

from __future__ import annotations

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.quantities import cpu_count, memory_bytes
from nexus_ansible.model.condition import Comparison, parse_condition
from nexus_ansible.model.units import cron_problem, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("1h30m", 5_400), ("7y", 220_752_000), ("0s", 0), (90, 90)],
)
def test_a_duration_is_so_many_seconds(text: str | int, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["5M", "", "m", "5", "-5m", "5 m", "1h 30m", "1.5h", "5min", "\u0665m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(("text", "expected"), [("4Gi", 4 * 1024**3), ("10M", 10**7), ("5k", 5_000), ("7", 7)])
def test_an_amount_of_memory_is_so_many_bytes(text: str, expected: int) -> None:
    assert memory_bytes(text) == expected


@pytest.mark.parametrize("text", ["4GB", "", "Gi", "-1Mi", "1.5Gi"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount of memory"):
        memory_bytes(text)


@pytest.mark.parametrize(("text", "expected"), [("500m", 0.5), ("2", 2), ("0.25", 0.25)])
def test_an_amount_of_cpu_is_a_number_of_cpus(text: str, expected: float) -> None:
    assert cpu_count(text) == expected


@pytest.mark.parametrize("text", ["0 2 * * *", "*/5 8-18 * * 1-5", "0 0 L * *", "0 0 29 2 *", "0 0 30 2 1"])
def test_a_schedule_that_fires_has_no_problem(text: str) -> None:
    assert cron_problem(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 25 * * *", "Bad hour"),
        ("0 0 30 13 *", "Bad month"),
        ("hourly", "it needs five fields: minute hour day month weekday"),
        ("0 0 2 * * *", "it needs five fields: minute hour day month weekday"),
        ("0 0 30 2 *", "it never fires: no month that it names has such a day"),
        ("0 0 31 4,6,9,11 *", "it never fires: no month that it names has such a day"),
    ],
)
def test_a_schedule_that_is_none_or_never_fires_has_a_problem(text: str, problem: str) -> None:
    assert cron_problem(text) == problem


def test_a_condition_is_one_or_more_comparisons() -> None:
    assert parse_condition("cpu_usage > 90 and service_health == 'unhealthy' and load<=-1.5") == (
        Comparison("cpu_usage", ">", 90),
        Comparison("service_health", "==", "unhealthy"),
        Comparison("load", "<=", -1.5),
    )


def test_a_state_may_hold_the_word_and() -> None:
    assert parse_condition("service_health == 'up and running'") == (
        Comparison("service_health", "==", "up and running"),
    )
