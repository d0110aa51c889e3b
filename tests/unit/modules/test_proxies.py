# SPDX-License-Identifier: Apache-2.0
"""What every proxy does alike: its pools' gates open and close while requests are under way."""

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

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError, UnreachableError
from ansible_collections.nexus.automation.plugins.module_utils.proxies import PROXIES, wait_until_drained
from tests.servers.http import Answer, HttpServer, start_http
from tests.servers.ports import free_port
from tests.servers.process import accepts, running
from tests.servers.proxies import Start
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


def test_an_admitted_upstream_gets_requests_until_it_is_withdrawn(
    start_gated: Start, tmp_path: Path, http_server: HttpServer
) -> None:
    http_server.answers["/page"] = Answer()
    with start_gated(tmp_path, "backend-1") as gated:
        proxy = gated.proxy
        proxy.admit("backend", "backend-1", http_server.address)
        assert _get(f"{gated.url}/backend/page") == 200
        proxy.withdraw("backend", "backend-1")
        with pytest.raises(urllib.error.HTTPError) as caught:
            _get(f"{gated.url}/backend/page")
        caught.value.close()
    assert caught.value.code == 502
    assert http_server.requests == ["GET /page"]


def test_an_upstream_that_moves_gets_the_requests_at_its_new_address(
    start_gated: Start, tmp_path: Path, http_server: HttpServer
) -> None:
    http_server.answers["/page"] = Answer()
    with start_gated(tmp_path, "backend-1") as gated:
        proxy = gated.proxy
        proxy.admit("backend", "backend-1", f"127.0.0.1:{free_port()}")
        proxy.admit("backend", "backend-1", http_server.address)
        assert proxy.upstreams("backend") == {"backend-1": http_server.address}
        assert _get(f"{gated.url}/backend/page") == 200


def test_draining_waits_for_the_request_in_flight_and_loses_none(
    start_gated: Start, tmp_path: Path, slow_server: HttpServer
) -> None:
    with start_gated(tmp_path, "backend-1") as gated, ThreadPoolExecutor(2) as pool:
        proxy = gated.proxy
        proxy.admit("backend", "backend-1", slow_server.address)
        request = pool.submit(_get, f"{gated.url}/backend/slow")
        wait_until(lambda: slow_server.requests, "the request at the upstream")
        proxy.withdraw("backend", "backend-1")
        assert proxy.requests_in_flight(slow_server.address) == 1
        assert wait_until_drained(proxy, slow_server.address, limit_s=0.3) == 1
        drained = pool.submit(wait_until_drained, proxy, slow_server.address, 30.0)
        _release(slow_server)
        assert drained.result() == 0
        assert request.result() == 200


def test_no_request_is_lost_while_upstreams_come_and_go(
    start_gated: Start, tmp_path: Path, http_server: HttpServer, slow_server: HttpServer
) -> None:
    http_server.answers["/quick"] = Answer()
    changing = threading.Event()
    with start_gated(tmp_path, "stays", "moves") as gated, ThreadPoolExecutor(4) as pool:
        proxy = gated.proxy
        proxy.admit("backend", "stays", http_server.address)
        clients = [pool.submit(_post_until, changing, f"{gated.url}/backend/quick") for _ in range(4)]
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


def test_no_request_is_lost_when_a_drained_upstream_is_killed(
    start_gated: Start, tmp_path: Path, http_server: HttpServer
) -> None:
    http_server.answers.update({"/quick": Answer(), "/name": Answer()})
    changing = threading.Event()
    with start_gated(tmp_path, "stays", "dies") as gated, ThreadPoolExecutor(4) as pool:
        proxy = gated.proxy
        proxy.admit("backend", "stays", http_server.address)
        clients = [pool.submit(_post_until, changing, f"{gated.url}/backend/quick") for _ in range(4)]
        for _ in range(5):
            with _own_process() as (address, process):
                proxy.admit("backend", "dies", address)
                wait_until(lambda: _get(f"{gated.url}/backend/name") == 203, "the other answers")
                proxy.withdraw("backend", "dies")
                assert wait_until_drained(proxy, address, 30) == 0
                process.send_signal(signal.SIGKILL)
        changing.set()
        statuses = {status for client in clients for status in client.result()}
    assert statuses <= {200, 203}


def test_a_dead_upstream_costs_no_request_though_its_gate_is_open(
    start_gated: Start, tmp_path: Path, http_server: HttpServer
) -> None:
    http_server.answers["/page"] = Answer()
    with start_gated(tmp_path, "alive", "dead") as gated:
        proxy = gated.proxy
        proxy.admit("backend", "alive", http_server.address)
        proxy.admit("backend", "dead", f"127.0.0.1:{free_port()}")
        assert {_post(f"{gated.url}/backend/page") for _ in range(30)} == {200}


def test_a_gate_that_is_missing_is_closed(start_gated: Start, tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/page"] = Answer()
    with start_gated(tmp_path, "there", "missing") as gated:
        proxy = gated.proxy
        proxy.admit("backend", "there", http_server.address)
        (tmp_path / "gates" / "missing").unlink()
        assert proxy.upstreams("backend") == {"there": http_server.address, "missing": ""}
        assert {_get(f"{gated.url}/backend/page") for _ in range(20)} == {200}


def test_changes_at_the_same_moment_are_all_made(start_gated: Start, tmp_path: Path) -> None:
    names = [f"backend-{number}" for number in range(1, 9)]
    with start_gated(tmp_path, *names) as gated, ThreadPoolExecutor(8) as pool:
        proxy = gated.proxy
        assert proxy.upstreams("backend") == dict.fromkeys(names, "")
        list(pool.map(lambda name: proxy.admit("backend", name, f"127.0.0.1:{name[-1]}"), names))
        assert proxy.upstreams("backend") == {name: f"127.0.0.1:{name[-1]}" for name in names}
        list(pool.map(lambda name: proxy.withdraw("backend", name), names[:7]))
        assert proxy.upstreams("backend") == {**dict.fromkeys(names, ""), "backend-8": "127.0.0.1:8"}


def test_an_unknown_pool_is_named_with_what_to_do(start_gated: Start, tmp_path: Path) -> None:
    with start_gated(tmp_path, "backend-1") as gated, pytest.raises(AdapterError, match='has no pool "frontend"'):
        gated.proxy.admit("frontend", "frontend-1", "127.0.0.1:1")


def test_an_unknown_gate_is_named_with_those_there_are(start_gated: Start, tmp_path: Path) -> None:
    with start_gated(tmp_path, "backend-1") as gated:
        proxy = gated.proxy
        with pytest.raises(AdapterError, match='has no gate "backend-2"; there are: backend-1'):
            proxy.admit("backend", "backend-2", "127.0.0.1:1")
        proxy.withdraw("backend", "backend-2")
        assert proxy.upstreams("backend") == {"backend-1": ""}


@pytest.mark.parametrize("kind", PROXIES)
def test_a_proxy_that_does_not_run_is_named(kind: str) -> None:
    admin = f"127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match=f"admin API at {admin} does not answer: connection refused"):
        PROXIES[kind](admin).upstreams("backend")


@pytest.mark.parametrize("kind", PROXIES)
@pytest.mark.parametrize("admin", ["localhost", "http://127.0.0.1/", ":2019"])
def test_an_admin_address_of_another_form_is_refused(kind: str, admin: str) -> None:
    with pytest.raises(AdapterError, match="write host:port or unix/<path of the socket>"):
        PROXIES[kind](admin).upstreams("backend")


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
