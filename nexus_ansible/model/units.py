# SPDX-License-Identifier: Apache-2.0
"""Durations and cron expressions, read strictly."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PART = re.compile(r"([0-9]+)(ms|[smhdwy])")
_DURATION = re.compile(r"([0-9]+(ms|[smhdwy]))+")


def seconds(duration: str | int) -> float:
    """A duration in seconds; a number is seconds already. A year has 365 days.

    Raises ValueError for anything else: `5M` is neither months nor minutes here.

    >>> seconds("1h30m"), seconds("500ms"), seconds(30)
    (5400, 0.5, 30)
    """
    if isinstance(duration, int):
        return duration
    if not _DURATION.fullmatch(duration):
        raise ValueError(f"{duration!r} is not a duration")
    return sum(int(amount) * _SECONDS[unit] for amount, unit in _PART.findall(duration))


def cron_problem(expression: str) -> str | None:
    """What is wrong with a five-field cron expression (fields as in Debian's cron), or None."""
    fields = expression.split()
    if len(fields) != 5:
        return "it needs five fields: minute hour day month weekday"
    wrong = _refusal(fields)
    if wrong and not _refusal([*fields[:3], "*", fields[4]]):
        return "it never fires: no month that it names has such a day" if "day" in wrong else wrong
    return wrong


def _refusal(fields: list[str]) -> str | None:
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(" ".join(fields), datetime(2025, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        return str(error)
    except StopIteration:
        return "it never fires"
    return None
