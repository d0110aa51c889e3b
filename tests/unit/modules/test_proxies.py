# SPDX-License-Identifier: Apache-2.0
"""Pools of a real Caddy, whose gates open and close while requests are under way."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError, UnreachableError
from ansible_collections.nexus.automation.plugins.module_utils.proxies.base import wait_until_drained
from ansible_collections.nexus.automation.plugins.module_utils.proxies.caddy import CaddyProxy
from ansible_collections.nexus.automation.plugins.module_utils.proxies.caddy_admin import CaddyAdmin
from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import (
    CLOSED,
    gate_path,
    lay_gates,
    missing_gates,
    open_gate,
    read_gate,
)
from tests.servers.caddy import CaddyServer, start_caddy
from tests.servers.embedded import caddy as caddy_program
from tests.servers.http import Answer, HttpServer, start_http
from tests.servers.ports import free_port
from tests.servers.process import accepts, running
from tests.servers.waiting import wait_until

SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Requests(BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(203)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

class Server(ThreadingHTTPServer):
    request_queue_size = 128

Server(("127.0.0.1", int(sys.argv[1])), Requests).serve_forever()
"""


@pytest.fixture
def slow_server() -> Iterator[HttpServer]:
    with start_http({"/slow": Answer(hold=threading.Event()), "/quick": Answer()}) as server:
        yield server


def _release(server: HttpServer) -> None:
    hold = server.answers["/slow"].hold
    assert hold is not None
    hold.set()


def _get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=30) as response:
        return int(response.status)


def _post(url: str) -> int:
    with urllib.request.urlopen(url, data=b"x", timeout=30) as response:
        return int(response.status)


@contextlib.contextmanager
def _caddy(directory: Path, *names: str, **options: Any) -> Iterator[CaddyServer]:
    """Run a Caddy whose pool `backend` has closed gates of these names."""
    gates = missing_gates(directory / "gates", names)
    lay_gates(gates)
    with start_caddy(directory, {"backend": [f"{{file.{gate}}}" for gate in gates]}, **options) as server:
        yield server


def test_an_admitted_upstream_gets_requests_until_it_is_withdrawn(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/page"] = Answer()
    with _caddy(tmp_path, "backend-1", try_duration="0.1s") as caddy:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", "backend-1", http_server.address)
        assert _get(f"{caddy.url}/backend/page") == 200
        proxy.withdraw("backend", "backend-1")
        with pytest.raises(urllib.error.HTTPError) as caught:
            _get(f"{caddy.url}/backend/page")
        caught.value.close()
    assert caught.value.code == 502
    assert http_server.requests == ["GET /page"]


def test_an_upstream_that_moves_gets_the_requests_at_its_new_address(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/page"] = Answer()
    with _caddy(tmp_path, "backend-1") as caddy:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", "backend-1", f"127.0.0.1:{free_port()}")
        proxy.admit("backend", "backend-1", http_server.address)
        assert proxy.upstreams("backend") == {"backend-1": http_server.address}
        assert _get(f"{caddy.url}/backend/page") == 200


def test_gates_open_and_close_without_a_change_of_the_configuration(tmp_path: Path) -> None:
    names = [f"backend-{number}" for number in range(1, 9)]
    with _caddy(tmp_path, *names) as caddy:
        proxy, api = CaddyProxy(caddy.admin), CaddyAdmin(caddy.admin)
        before = api.get("/config/")
        assert proxy.upstreams("backend") == dict.fromkeys(names, "")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: proxy.admit("backend", name, f"127.0.0.1:{name[-1]}"), names))
        assert proxy.upstreams("backend") == {name: f"127.0.0.1:{name[-1]}" for name in names}
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: proxy.withdraw("backend", name), names[:7]))
        assert proxy.upstreams("backend") == {**dict.fromkeys(names, ""), "backend-8": "127.0.0.1:8"}
        assert api.get("/config/") == before


def test_draining_waits_for_the_request_in_flight_and_loses_none(tmp_path: Path, slow_server: HttpServer) -> None:
    with _caddy(tmp_path, "backend-1") as caddy, ThreadPoolExecutor(2) as pool:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", "backend-1", slow_server.address)
        request = pool.submit(_get, f"{caddy.url}/backend/slow")
        wait_until(lambda: slow_server.requests, "the request at the upstream")
        proxy.withdraw("backend", "backend-1")
        assert proxy.requests_in_flight(slow_server.address) == 1
        assert wait_until_drained(proxy, slow_server.address, limit_s=0.3) == 1
        drained = pool.submit(wait_until_drained, proxy, slow_server.address, 30.0)
        _release(slow_server)
        assert drained.result() == 0
        assert request.result() == 200


def test_no_request_is_lost_while_upstreams_come_and_go(
    tmp_path: Path, http_server: HttpServer, slow_server: HttpServer
) -> None:
    http_server.answers["/quick"] = Answer()
    changing = threading.Event()
    with _caddy(tmp_path, "stays", "moves") as caddy, ThreadPoolExecutor(4) as pool:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", "stays", http_server.address)
        clients = [pool.submit(_post_until, changing, f"{caddy.url}/backend/quick") for _ in range(4)]
        late = 0
        for _ in range(20):
            proxy.admit("backend", "moves", slow_server.address)
            served = len(slow_server.requests)
            wait_until(lambda: len(slow_server.requests) > served, "a request at the admitted upstream")  # noqa: B023
            proxy.withdraw("backend", "moves")
            assert wait_until_drained(proxy, slow_server.address, 30) == 0
            served = len(slow_server.requests)
            arrived = len(http_server.requests)
            wait_until(lambda: len(http_server.requests) > arrived + 5, "requests at the other")  # noqa: B023
            late += len(slow_server.requests) - served
        changing.set()
        statuses = [status for client in clients for status in client.result()]
    assert len(statuses) >= 100
    assert set(statuses) == {200}
    assert late == 0


def test_no_request_is_lost_when_a_drained_upstream_is_killed(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers.update({"/quick": Answer(), "/name": Answer()})
    changing = threading.Event()
    with _caddy(tmp_path, "stays", "dies") as caddy, ThreadPoolExecutor(4) as pool:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", "stays", http_server.address)
        clients = [pool.submit(_post_until, changing, f"{caddy.url}/backend/quick") for _ in range(4)]
        for _ in range(5):
            with _own_process() as (address, process):
                proxy.admit("backend", "dies", address)
                wait_until(lambda: _get(f"{caddy.url}/backend/name") == 203, "the other answers")
                proxy.withdraw("backend", "dies")
                assert wait_until_drained(proxy, address, 30) == 0
                process.send_signal(signal.SIGKILL)
        changing.set()
        statuses = {status for client in clients for status in client.result()}
    assert statuses <= {200, 203}


def test_a_dead_upstream_costs_no_request_though_its_gate_is_open(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/page"] = Answer()
    with _caddy(tmp_path, "alive", "dead") as caddy:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", "alive", http_server.address)
        proxy.admit("backend", "dead", f"127.0.0.1:{free_port()}")
        assert {_post(f"{caddy.url}/backend/page") for _ in range(30)} == {200}


def test_a_gate_that_is_missing_is_closed(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/page"] = Answer()
    with _caddy(tmp_path, "there", "missing") as caddy:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", "there", http_server.address)
        (tmp_path / "gates" / "missing").unlink()
        assert proxy.upstreams("backend") == {"there": http_server.address, "missing": ""}
        assert {_get(f"{caddy.url}/backend/page") for _ in range(20)} == {200}


def test_a_drained_upstream_stays_drained_when_the_configuration_is_loaded_anew(tmp_path: Path) -> None:
    with _caddy(tmp_path, "backend-1", "backend-2") as caddy:
        proxy = CaddyProxy(caddy.admin)
        for number in (1, 2):
            proxy.admit("backend", f"backend-{number}", f"127.0.0.1:{number}")
        proxy.withdraw("backend", "backend-1")
        argv = [str(caddy_program()), "reload", "--force", "--config", str(tmp_path / "caddy.json")]
        subprocess.run([*argv, "--address", caddy.admin], check=True, capture_output=True, timeout=30)
        assert proxy.upstreams("backend") == {"backend-1": "", "backend-2": "127.0.0.1:2"}


def test_laying_gates_leaves_those_that_are_open(tmp_path: Path) -> None:
    lay_gates(missing_gates(tmp_path / "gates", ["a-1"]))
    gate = gate_path(tmp_path / "gates", "a-1")
    assert gate.read_text() == CLOSED
    open_gate(gate, "127.0.0.1:1")
    missing = missing_gates(tmp_path / "gates", ["a-1", "a-2"])
    assert [path.name for path in missing] == ["a-2"]
    lay_gates(missing)
    assert (read_gate(gate), read_gate(gate_path(tmp_path / "gates", "a-2"))) == ("127.0.0.1:1", "")
    assert (tmp_path / "gates").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("folder", "name", "problem"),
    [("gates", "../x", "use letters, digits"), ("gates", "", "use letters, digits"), ("a}b", "x", "with braces in it")],
)
def test_a_gate_that_caddy_could_not_read_is_refused(folder: str, name: str, problem: str) -> None:
    with pytest.raises(AdapterError, match=problem):
        gate_path(Path(folder), name)


def test_plain_addresses_are_no_gates(tmp_path: Path) -> None:
    with start_caddy(tmp_path, {"backend": ["127.0.0.1:1"]}) as caddy:
        assert CaddyProxy(caddy.admin).upstreams("backend") == {}


def test_the_admin_api_is_reached_by_tcp_as_well(tmp_path: Path) -> None:
    with _caddy(tmp_path, "backend-1", admin_port=free_port()) as caddy:
        assert CaddyProxy(caddy.admin).upstreams("backend") == {"backend-1": ""}


def test_an_unknown_pool_is_named_with_what_to_do(caddy: CaddyServer) -> None:
    with pytest.raises(AdapterError, match='has no pool "frontend": no handler with "@id": "frontend"'):
        CaddyProxy(caddy.admin).admit("frontend", "frontend-1", "127.0.0.1:1")


def test_an_unknown_gate_is_named_with_those_there_are(tmp_path: Path) -> None:
    with _caddy(tmp_path, "backend-1") as caddy:
        proxy = CaddyProxy(caddy.admin)
        with pytest.raises(AdapterError, match='has no gate "backend-2"; there are: backend-1'):
            proxy.admit("backend", "backend-2", "127.0.0.1:1")
        proxy.withdraw("backend", "backend-2")
        assert proxy.upstreams("backend") == {"backend-1": ""}


def test_a_proxy_that_does_not_run_is_named() -> None:
    admin = f"127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match=f"admin API at {admin} does not answer: connection refused"):
        CaddyProxy(admin).upstreams("backend")


@pytest.mark.parametrize("admin", ["localhost", "http://127.0.0.1/", ":2019"])
def test_an_admin_address_of_another_form_is_refused(admin: str) -> None:
    with pytest.raises(AdapterError, match="write host:port or unix/<path of the socket>"):
        CaddyProxy(admin).upstreams("backend")


def _post_until(done: threading.Event, url: str) -> list[int]:
    statuses = []
    while not done.is_set():
        statuses.append(_post(url))
    return statuses


@contextlib.contextmanager
def _own_process() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An HTTP server that can be killed: it answers every request with 203."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        argv = [sys.executable, "-c", SERVER, str(port)]
        with running(argv, lambda: accepts(port), Path(directory) / "log", {"PATH": os.environ["PATH"]}) as process:
            yield f"127.0.0.1:{port}", process
