# SPDX-License-Identifier: Apache-2.0
"""Frontend processes and a backend to ask, on free loopback ports, for the tests of the frontend."""

from __future__ import annotations

import contextlib
import http
import http.client
import http.server
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIMIT = 30.0


def free_port() -> int:
    """Return a TCP port nobody listens on, below those of platforms (from 20000) and of clients, who could take it."""
    while True:
        port = random.SystemRandom().randrange(10_000, 20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Return as soon as `holds` does; fail with `what` after LIMIT seconds."""
    deadline = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {LIMIT} s: {what}")
        time.sleep(0.02)


class CountingBackend(http.server.ThreadingHTTPServer):
    """An HTTP server that answers as the backend does and counts each idempotency key once.

    A frontend is tested where no backend is installed; the repository's own tests run the two together.
    `answer` replaces what it says, `drop` closes that many connections after their request was counted,
    and while `gate` is clear requests wait.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.keys: list[str] = []
        self.identity = {"instance": "backend-2", "release": "r6", "environment": "testing"}
        self.cache = "ok"
        self.answer: tuple[int, str] | None = None
        self.drop = 0
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CountingBackend

    def do_POST(self) -> None:
        self.server.keys.append(self.headers["Idempotency-Key"])
        self.server.gate.wait(LIMIT)
        if self.server.drop:
            self.server.drop -= 1
            self.close_connection = True
            return
        count = {"count": len(set(self.server.keys)), "source": "database", "cache": self.server.cache}
        status, body = self.server.answer or (201, json.dumps(count | self.server.identity))
        self.send_response(status if self.path == "/api/visits" else 404)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        pass


@contextlib.contextmanager
def counting_backend() -> Iterator[CountingBackend]:
    """Yield a backend that runs."""
    with CountingBackend() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.gate.set()
            server.shutdown()
            thread.join(LIMIT)


@contextlib.contextmanager
def frontend(environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Yield a frontend process as it is deployed; what still runs at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "nexus_frontend"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)


def request(port: int, method: str, path: str) -> tuple[int, str]:
    """Send one request on a connection of its own and return the status and the text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    with contextlib.closing(connection):
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()


def is_serving(port: int) -> bool:
    """Tell whether the frontend at `port` answers."""
    try:
        return request(port, "GET", "/health")[0] == http.HTTPStatus.OK
    except OSError:
        return False
