# SPDX-License-Identifier: Apache-2.0
"""Durations, quantities and cron expressions, read strictly."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PART = re.compile(r"([0-9]+)(ms|[smhdwy])")
_DURATION = re.compile(r"([0-9]+(ms|[smhdwy]))+")
_BYTES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12} | {
    f"{letter}i": 1024**power for power, letter in enumerate("KMGT", start=1)
}
_MEMORY = re.compile(r"([0-9]+)([KMGT]i|[kKMGT]?)")


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


def memory_bytes(quantity: str) -> int:
    """A Kubernetes memory quantity in bytes. Raises ValueError for anything else.

    >>> memory_bytes("4Gi"), memory_bytes("10M")
    (4294967296, 10000000)
    """
    found = _MEMORY.fullmatch(quantity)
    if not found:
        raise ValueError(f"{quantity!r} is not an amount of memory")
    factor: int = _BYTES[found[2]]
    return int(found[1]) * factor


def cpu_count(quantity: str) -> float:
    """A Kubernetes CPU quantity as a number of CPUs. Raises ValueError for anything else.

    >>> cpu_count("500m"), cpu_count("2")
    (0.5, 2.0)
    """
    return int(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)


def resources(data: Mapping[str, str]) -> dict[str, float]:
    """What may be used, of what is limited at all: `cpu` as a number of CPUs, `memory` in bytes.

    >>> resources({"cpu": "500m", "memory": "1Ki"}), resources({})
    ({'cpu': 0.5, 'memory': 1024}, {})
    """
    units = {"cpu": cpu_count, "memory": memory_bytes}
    return {name: read(data[name]) for name, read in units.items() if name in data}


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
