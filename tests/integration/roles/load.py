# SPDX-License-Identifier: Apache-2.0
"""Steady requests on one address, on connections of their own or on kept ones, and what became of them."""

from __future__ import annotations

import contextlib
import http.client
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

THREADS = 4
PAUSE_S = 0.05
BUSY_PAUSE_S = 0.02
"""For figures. Tests share two processors with what they ask."""
TIMEOUT_S = 30


@dataclass
class Load:
    """What was asked and what failed so far; `reopened` counts kept connections that were found closed."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    reopened: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, failure: str | None) -> None:
        """Add one request."""
        with self.lock:
            self.requests += 1
            if failure is not None:
                self.failures.append(failure)

    def count_reopened(self) -> None:
        """Add one connection."""
        with self.lock:
            self.reopened += 1


class Client(Protocol):
    """Makes the requests of one thread."""

    def get(self, path: str) -> http.client.HTTPResponse:
        """Return the answer, its body unread; raise OSError or HTTPException when there is none."""
        ...

    def close(self) -> None:
        """Keep no connection."""
        ...


class OwnConnections:
    """Opens a connection for each request."""

    def __init__(self, url: str, _load: Load) -> None:
        self._connection = _connection(url)

    def get(self, path: str) -> http.client.HTTPResponse:
        """Open a connection and ask on it; the answer closes it."""
        self.close()
        self._connection.request("GET", path, headers={"Connection": "close"})
        return self._connection.getresponse()

    def close(self) -> None:
        """Close the connection of the last request."""
        self._connection.close()


class KeptConnection:
    """Asks on the connection of the last request, as HTTP/1.1 has it.

    One that the server closed while it was idle is opened anew and the request made again (RFC 9112, 9.3.1): each of
    them is a GET, and nothing of an answer had come.
    """

    def __init__(self, url: str, load: Load) -> None:
        self._load = load
        self._connection = _connection(url)

    def get(self, path: str) -> http.client.HTTPResponse:
        """Ask on the kept connection, or on a new one when that is closed."""
        used = self._connection.sock is not None
        try:
            return self._ask(path)
        except (ConnectionResetError, BrokenPipeError):
            self.close()
            if not used:
                raise
        self._load.count_reopened()
        return self._ask(path)

    def close(self) -> None:
        """Close the connection; the next request opens one."""
        self._connection.close()

    def _ask(self, path: str) -> http.client.HTTPResponse:
        self._connection.request("GET", path)
        return self._connection.getresponse()


@contextlib.contextmanager
def steady_load(
    url: str,
    paths: Sequence[str],
    least: int,
    client: Callable[[str, Load], Client] = OwnConnections,
    pause_s: float = PAUSE_S,
) -> Iterator[Load]:
    """Ask `url` for `paths` in turn as long as the block lasts, and until at least `least` requests were made."""
    load, done = Load(), threading.Event()
    threads = [
        threading.Thread(target=_ask, args=(client(url, load), paths, least, pause_s, load, done))
        for _ in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(url.removeprefix("http://"), timeout=TIMEOUT_S)


def _ask(client: Client, paths: Sequence[str], least: int, pause_s: float, load: Load, done: threading.Event) -> None:
    turn = 0
    while not done.is_set() or load.requests < least:
        path = paths[turn % len(paths)]
        turn += 1
        load.count(_failure(client, path))
        done.wait(pause_s)
    client.close()


def _failure(client: Client, path: str) -> str | None:
    try:
        response = client.get(path)
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        client.close()
        return f"{path}: {error!r}"
    return None if response.status == http.client.OK else f"{path}: {response.status} {body[:200]!r}"
