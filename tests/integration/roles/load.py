# SPDX-License-Identifier: Apache-2.0
"""Steady requests on one address, each on a connection of its own, and what became of them."""

from __future__ import annotations

import contextlib
import http.client
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

THREADS = 4
PAUSE_S = 0.02
TIMEOUT_S = 30


@dataclass
class Load:
    """What was asked and what failed so far."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, failure: str | None) -> None:
        """Add one request."""
        with self.lock:
            self.requests += 1
            if failure is not None:
                self.failures.append(failure)


@contextlib.contextmanager
def steady_load(port: int, paths: Sequence[str], least: int) -> Iterator[Load]:
    """Ask for `paths` in turn as long as the block lasts, and until at least `least` requests were made."""
    load, done = Load(), threading.Event()
    threads = [threading.Thread(target=_ask, args=(port, paths, least, load, done)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _ask(port: int, paths: Sequence[str], least: int, load: Load, done: threading.Event) -> None:
    turn = 0
    while not done.is_set() or load.requests < least:
        path = paths[turn % len(paths)]
        turn += 1
        load.count(_failure(port, path))
        done.wait(PAUSE_S)


def _failure(port: int, path: str) -> str | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"{path}: {error!r}"
    finally:
        connection.close()
    return None if response.status == http.client.OK else f"{path}: {response.status} {body[:200]!r}"
