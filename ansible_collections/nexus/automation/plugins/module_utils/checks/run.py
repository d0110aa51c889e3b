# SPDX-License-Identifier: Apache-2.0
"""Checks many targets at once."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..concurrency import run_jobs
from .base import Answer
from .targets import Target, limit_for

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class CheckResult:
    """What became of a target; `error` is the last try's cause, None when it is healthy."""

    name: str
    kind: str
    address: str
    healthy: bool
    status: int | None
    detail: str
    error: str | None
    tries: int
    duration_s: float


def run_checks(targets: Sequence[Target], concurrency: int = 32, limit_s: float | None = None) -> list[CheckResult]:
    """Check `targets`, at most `concurrency` at a time, and return their results in the same order.

    After `limit_s` seconds (by default what the targets' own limits add up to) what has not answered is unhealthy:
    neither a name server nor a dripping server can hold up the caller.
    """
    limit = limit_for(targets, concurrency) if limit_s is None else limit_s
    results = run_jobs([functools.partial(_check, target) for target in targets], concurrency, limit)
    return [results[place] or _unanswered(target, limit) for place, target in enumerate(targets)]


def describe_unhealthy(results: Sequence[CheckResult]) -> str:
    """Return one line for each unhealthy result, with its address and cause, below a summary; empty without any."""
    unhealthy = [result for result in results if not result.healthy]
    if not unhealthy:
        return ""
    lines = [f"{len(unhealthy)} of {len(results)} targets {'is' if len(unhealthy) == 1 else 'are'} unhealthy:"]
    for result in unhealthy:
        tries = f" (tried {result.tries} times)" if result.tries > 1 else ""
        lines.append(f"  {result.name}, {result.address}: {result.error}{tries}")
    return "\n".join(lines)


def _check(target: Target) -> CheckResult:
    started = time.monotonic()
    tries = 1
    answer = target.check.probe(target.timeout)
    while not answer.healthy and tries <= target.retries:
        if target.patience and time.monotonic() + target.interval - started > target.patience:
            break
        time.sleep(target.interval)
        tries += 1
        answer = target.check.probe(target.timeout)
    return _result(target, answer, tries, time.monotonic() - started)


def _unanswered(target: Target, limit_s: float) -> CheckResult:
    answer = Answer(False, f"no answer within the {limit_s:g} s that all targets have together")
    return _result(target, answer, 0, limit_s)


def _result(target: Target, answer: Answer, tries: int, duration_s: float) -> CheckResult:
    return CheckResult(
        name=target.name,
        kind=target.kind,
        address=target.check.address,
        healthy=answer.healthy,
        status=answer.status,
        detail=answer.detail,
        error=None if answer.healthy else answer.detail,
        tries=tries,
        duration_s=round(duration_s, 4),
    )
