# SPDX-License-Identifier: Apache-2.0
"""The configuration that the role writes for nginx, served by a real one: paths, headers, bodies and retries."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.servers.nginx import nginx_program
from tests.servers.playbook import REPOSITORY, run_tasks
from tests.servers.ports import free_port
from tests.servers.process import accepts, running
from tests.servers.short_paths import short_directory

ROLE = REPOSITORY / "roles" / "service"
PATHS = [{"path": "/api/v2", "service": "newer"}, {"path": "/api", "service": "backend"}]
ROOT = {"path": "", "service": "frontend"}


class _Echo(BaseHTTPRequestHandler):
    """Answers with what it got; switches protocols when it is asked to."""

    protocol_version = "HTTP/1.1"
    server: _EchoServer

    def do_GET(self) -> None:
        if "Upgrade" in self.headers:
            self._switch()
        else:
            self._tell()

    def do_POST(self) -> None:
        self._tell()

    def _switch(self) -> None:
        self.send_response(101)
        self.send_header("Connection", "upgrade")
        self.send_header("Upgrade", self.headers["Upgrade"])
        self.end_headers()
        self.wfile.write(self.rfile.readline())
        self.close_connection = True

    def _tell(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {"service": self.server.service, "path": self.path, "headers": dict(self.headers), "body": len(body)}
        text = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_arguments: object) -> None:
        """Keep the test output clean."""


class _EchoServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, service: str) -> None:
        super().__init__(("127.0.0.1", 0), _Echo)
        self.service = service


@dataclass(frozen=True)
class Answer:
    """An answer of the proxy."""

    status: int
    text: str

    @property
    def told(self) -> dict[str, Any]:
        """What the service behind it was asked."""
        told: dict[str, Any] = json.loads(self.text)
        return told


@contextlib.contextmanager
def _services(*names: str) -> Iterator[dict[str, str]]:
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(_EchoServer(name)) for name in names}
        for server in servers.values():
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(server.shutdown)
        yield {name: f"127.0.0.1:{server.server_port}" for name, server in servers.items()}


@contextlib.contextmanager
def _proxy(
    directory: Path, paths: list[dict[str, str]], servers: dict[str, list[str]], **variables: Any
) -> Iterator[int]:
    """Run nginx with what the template makes of the variables; yield its port."""
    program, port = nginx_program(), free_port()
    strange = directory / 'it\'s "$here"'
    (strange / "servers").mkdir(parents=True)
    for name, addresses in servers.items():
        lines = "".join(f"server {address} max_fails=1 fail_timeout=1s;\n" for address in addresses)
        (strange / "servers" / f"{name}.conf").write_text(lines, encoding="utf-8")
    (strange / "layout.json").write_text("{}", encoding="utf-8")
    with short_directory() as sockets:
        values = {
            "runner_instance": {
                "user": "root" if os.geteuid() == 0 else "",
                "account": "",
                "data": str(strange),
                "current": str(strange),
                "socket": str(sockets / "nginx.sock"),
            },
            "__service_listen": "127.0.0.1",
            "service_port": port,
            "__service_pid_file": str(sockets / "nginx.pid"),
            "__service_servers": str(strange / "servers"),
            "__service_pools": {name: [f"{name}-1"] for name in servers},
            "__service_paths": paths,
            "__service_body_limit": "",
            "__service_nowhere": "No service answers here.\n",
            **variables,
        }
        configuration = directory / "nginx.conf"
        task = {"src": str(ROLE / "templates" / "nginx.conf.j2"), "dest": str(configuration)}
        run = run_tasks(directory, [{"name": "Render", "ansible.builtin.template": task}], variables=values)
        assert run.returncode == 0, run.output
        argv = [program, "-e", "stderr", "-c", str(configuration)]
        with running(argv, lambda: accepts(port), directory / "log", {"PATH": os.environ["PATH"]}):
            yield port
        assert "[emerg]" not in (directory / "log").read_text(encoding="utf-8")


def _ask(port: int, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode())
    finally:
        connection.close()


def test_the_longest_path_that_fits_wins_and_ends_at_a_slash(tmp_path: Path) -> None:
    with _services("newer", "backend", "frontend") as services:
        servers = {name: [address] for name, address in services.items()}
        with _proxy(tmp_path, [*PATHS, ROOT], servers) as port:
            asked = {
                path: _ask(port, path).told
                for path in ("/api/v2/x?q=%20", "/api/v2", "/api", "/api/v22", "/API/x", "/apix", "/a%2Fb")
            }
    assert {path: told["service"] for path, told in asked.items()} == {
        "/api/v2/x?q=%20": "newer",
        "/api/v2": "newer",
        "/api": "backend",
        "/api/v22": "backend",
        "/API/x": "backend",
        "/apix": "frontend",
        "/a%2Fb": "frontend",
    }
    assert [told["path"] for told in asked.values()] == list(asked)


def test_a_path_of_no_service_and_a_body_that_is_too_large_are_told(tmp_path: Path) -> None:
    with (
        _services("newer", "backend") as services,
        _proxy(tmp_path, PATHS, {name: [it] for name, it in services.items()}, __service_body_limit=1000) as port,
    ):
        assert _ask(port, "/elsewhere") == Answer(404, "No service answers here.\n")
        assert _ask(port, "/api", "POST", b"x" * 1000).told["body"] == 1000
        assert _ask(port, "/api", "POST", b"x" * 1001).status == 413


def test_a_service_is_told_who_asks_and_only_what_the_proxy_itself_knows(tmp_path: Path) -> None:
    with _services("frontend") as services, _proxy(tmp_path, [ROOT], {"frontend": [services["frontend"]]}) as port:
        headers = _ask(port, "/", **{"Host": "example.org:1", "X-Forwarded-For": "192.0.2.1"}).told["headers"]
    assert headers["Host"] == headers["X-Forwarded-Host"] == "example.org:1"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert "Connection" not in headers


def test_a_websocket_is_handed_on(tmp_path: Path) -> None:
    with _services("frontend") as services, _proxy(tmp_path, [ROOT], {"frontend": [services["frontend"]]}) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
        assert connection.sock is not None
        connection.sock.sendall(b"hello\n")
        with connection.sock.makefile("rb") as stream:
            lines = [line.strip() for line in stream]
        connection.close()
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert lines[-1] == b"hello"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_instance_that_refuses_costs_no_request(tmp_path: Path, method: str) -> None:
    with _services("frontend") as services:
        servers = {"frontend": [f"127.0.0.1:{free_port()}", services["frontend"]]}
        with _proxy(tmp_path, [ROOT], servers) as port:
            assert {_ask(port, "/", method, b"x").status for _ in range(20)} == {200}
