# SPDX-License-Identifier: Apache-2.0
"""An HTTP server inside the test process whose answers a test sets path by path."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass(frozen=True)
class Answer:
    """What a path answers; with `hold`, not before that event is set."""

    status: int = 200
    body: bytes = b"ok"
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


@dataclass(frozen=True)
class HttpServer:
    """A running server; paths without an answer get 404."""

    port: int
    scheme: str = "http"
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return f"{self.scheme}://{self.address}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    settings: HttpServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing when a client goes away early: tests make clients do so."""


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self) -> None:
        settings = self.server.settings
        path = self.path.partition("?")[0]
        settings.requests.append(f"{self.command} {self.path}")
        answer = settings.answers.get(path, Answer(404, b"no such path"))
        if answer.hold is not None:
            answer.hold.wait(60)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_arguments: object) -> None:
        """Keep the test output clean."""


@contextlib.contextmanager
def start_http(
    answers: Mapping[str, Answer] | None = None, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[HttpServer]:
    """Serve `answers` on a free port of 127.0.0.1, with TLS when a context is given."""
    with _Server(("127.0.0.1", port), _Requests) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        settings = HttpServer(server.server_port, "https" if tls else "http", dict(answers or {}))
        server.settings = settings
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield settings
        finally:
            _release(settings)
            server.shutdown()
            thread.join()


def _release(settings: HttpServer) -> None:
    for answer in settings.answers.values():
        if answer.hold is not None:
            answer.hold.set()


@pytest.fixture
def http_server() -> Iterator[HttpServer]:
    """A server of its own for one test; set `http_server.answers[path]`."""
    with start_http() as server:
        yield server
