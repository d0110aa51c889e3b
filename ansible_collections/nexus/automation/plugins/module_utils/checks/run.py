# SPDX-License-Identifier: Apache-2.0
"""Checks many targets at once, within a bound of time that nothing can exceed."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from .base import Answer
from .targets import Target

SLACK_S = 5.0


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
    a name server or a dripping server cannot hold up the caller.
    """
    workers = max(1, min(concurrency, len(targets)))
    limit = _bound(targets, workers) if limit_s is None else limit_s
    waiting: queue.SimpleQueue[tuple[int, Target]] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[int, CheckResult]] = queue.SimpleQueue()
    for item in enumerate(targets):
        waiting.put(item)
    for _ in range(workers if targets else 0):
        # Daemon threads: one that hangs in the system's resolver must not keep the process from ending.
        threading.Thread(target=_work, args=(waiting, finished), daemon=True).start()
    results = _collect(finished, len(targets), limit)
    return [results.get(place) or _unanswered(target, limit) for place, target in enumerate(targets)]


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


def _bound(targets: Sequence[Target], workers: int) -> float:
    rounds = math.ceil(len(targets) / workers)
    return rounds * max((target.limit_s for target in targets), default=0.0) + SLACK_S


def _work(waiting: queue.SimpleQueue[tuple[int, Target]], finished: queue.SimpleQueue[tuple[int, CheckResult]]) -> None:
    while True:
        try:
            place, target = waiting.get_nowait()
        except queue.Empty:
            return
        finished.put((place, _check(target)))


def _check(target: Target) -> CheckResult:
    started = time.monotonic()
    tries = 1
    answer = target.check.probe(target.timeout)
    while not answer.healthy and tries <= target.retries:
        time.sleep(target.interval)
        tries += 1
        answer = target.check.probe(target.timeout)
    return _result(target, answer, tries, time.monotonic() - started)


def _collect(
    finished: queue.SimpleQueue[tuple[int, CheckResult]], expected: int, limit_s: float
) -> dict[int, CheckResult]:
    end = time.monotonic() + limit_s
    results: dict[int, CheckResult] = {}
    while len(results) < expected:
        try:
            place, result = finished.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        results[place] = result
    return results


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
