# SPDX-License-Identifier: Apache-2.0
"""Many jobs side by side, within a bound of time that nothing can exceed."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = TypeVar("Result")


def run_jobs(jobs: Sequence[Callable[[], Result]], concurrency: int, limit_s: float) -> list[Result | None]:
    """Run `jobs`, at most `concurrency` at a time, and return their results in order; None is one not done in time.

    No more threads are started than there are jobs. They are daemons: one that hangs in the system's resolver must not
    keep the process from ending. Jobs must not raise.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    finished: queue.SimpleQueue[tuple[int, Result]] = queue.SimpleQueue()
    for place in range(len(jobs)):
        waiting.put(place)
    for _ in range(max(1, min(concurrency, len(jobs))) if jobs else 0):
        threading.Thread(target=_work, args=(jobs, waiting, finished), daemon=True).start()
    return _collect(finished, len(jobs), limit_s)


def _work(
    jobs: Sequence[Callable[[], Result]],
    waiting: queue.SimpleQueue[int],
    finished: queue.SimpleQueue[tuple[int, Result]],
) -> None:
    while True:
        try:
            place = waiting.get_nowait()
        except queue.Empty:
            return
        finished.put((place, jobs[place]()))


def _collect(finished: queue.SimpleQueue[tuple[int, Result]], expected: int, limit_s: float) -> list[Result | None]:
    end = time.monotonic() + limit_s
    results: list[Result | None] = [None] * expected
    for _ in range(expected):
        try:
            place, result = finished.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            break
        results[place] = result
    return results
