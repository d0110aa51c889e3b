# SPDX-License-Identifier: Apache-2.0
"""Whether the dependencies answer, asked of all at once and within a bound."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
import redis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Longer than a refused connection takes to be told apart from a slow one, shorter than a health check waits.
LIMIT: Final = 2.5


@dataclass(frozen=True)
class Answer:
    """One dependency's state; `cause` is empty when it answered."""

    healthy: bool
    cause: str = ""


class Pings:
    """One ping for each dependency, each on a thread of its own: one that hangs delays no other."""

    def __init__(self, pings: Mapping[str, Callable[[], None]]) -> None:
        """Take functions that return when their dependency answers and raise its library's error otherwise."""
        self._pings = dict(pings)
        self._executor = ThreadPoolExecutor(max_workers=len(self._pings), thread_name_prefix="ping")
        self._lock = threading.Lock()
        self._running: dict[str, Future[None]] = {}

    def close(self) -> None:
        """Wait for the pings in flight and end the threads."""
        self._executor.shutdown()

    def ask(self) -> dict[str, Answer]:
        """Return the answers in the order of the pings, after LIMIT seconds at the latest."""
        futures = {name: self._ping(name) for name in self._pings}
        wait(futures.values(), timeout=LIMIT)
        return {name: _answer(future) for name, future in futures.items()}

    def _ping(self, name: str) -> Future[None]:
        """Join the ping in flight or start one, so that checks never queue behind a dependency that hangs."""
        with self._lock:
            running = self._running.get(name)
            if running is None or running.done():
                running = self._running[name] = self._executor.submit(self._pings[name])
            return running


def _answer(future: Future[None]) -> Answer:
    if not future.done():
        return Answer(healthy=False, cause=f"no answer within {LIMIT} s")
    error = future.exception()
    if error is None:
        return Answer(healthy=True)
    if not isinstance(error, psycopg.OperationalError | redis.RedisError):
        raise error
    return Answer(healthy=False, cause=" ".join(str(error).split()))
