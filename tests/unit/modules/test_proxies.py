# SPDX-License-Identifier: Apache-2.0
"""Pools of a real Caddy, changed while requests are under way."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError, UnreachableError
from ansible_collections.nexus.automation.plugins.module_utils.network import UnixHTTPConnection
from ansible_collections.nexus.automation.plugins.module_utils.proxies.base import wait_until_drained
from ansible_collections.nexus.automation.plugins.module_utils.proxies.caddy import (
    CaddyProxy,
    closed_gate,
    gate_path,
)
from ansible_collections.nexus.automation.plugins.module_utils.proxies.caddy_admin import CaddyAdmin
from tests.servers.caddy import CaddyServer, start_caddy
from tests.servers.http import Answer, HttpServer, start_http
from tests.servers.ports import free_port
from tests.servers.waiting import wait_until


@pytest.fixture
def proxy(caddy: CaddyServer) -> CaddyProxy:
    return CaddyProxy(caddy.admin)


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


def _gates(directory: Path, *addresses: str) -> list[str]:
    """Make a closed gate for each address and return the upstreams that name them."""
    folder = directory / "gates"
    folder.mkdir()
    paths = [gate_path(folder, address) for address in addresses]
    for path in paths:
        path.write_text(closed_gate(folder), encoding="utf-8")
    return [f"{{file.{path}}}" for path in paths]


def test_an_admitted_upstream_gets_requests_until_it_is_withdrawn(
    proxy: CaddyProxy, caddy: CaddyServer, http_server: HttpServer
) -> None:
    http_server.answers["/page"] = Answer()
    proxy.admit("backend", http_server.address)
    assert _get(f"{caddy.url}/backend/page") == 200
    proxy.withdraw("backend", http_server.address)
    with pytest.raises(urllib.error.HTTPError) as caught:
        _get(f"{caddy.url}/backend/page")
    caught.value.close()
    assert caught.value.code == 503
    assert http_server.requests == ["GET /page"]


def test_admitting_twice_adds_one_upstream(proxy: CaddyProxy) -> None:
    for _ in range(2):
        proxy.admit("backend", "127.0.0.1:1")
    assert proxy.upstreams("backend") == ("127.0.0.1:1",)


def test_eight_changes_at_once_lose_nothing(tmp_path: Path) -> None:
    leaving = [f"127.0.0.1:{port}" for port in range(1, 9)]
    coming = [f"127.0.0.1:{port}" for port in range(11, 19)]
    with start_caddy(tmp_path, {"backend": [*leaving, "127.0.0.1:99"]}) as server:
        proxy = CaddyProxy(server.admin)
        with ThreadPoolExecutor(16) as pool:
            changes = [pool.submit(proxy.withdraw, "backend", address) for address in leaving]
            changes += [pool.submit(proxy.admit, "backend", address) for address in coming]
        for change in changes:
            change.result()
        assert sorted(proxy.upstreams("backend")) == sorted([*coming, "127.0.0.1:99"])


def test_draining_waits_for_the_request_in_flight_and_loses_none(
    proxy: CaddyProxy, caddy: CaddyServer, slow_server: HttpServer
) -> None:
    proxy.admit("backend", slow_server.address)
    with ThreadPoolExecutor(2) as pool:
        request = pool.submit(_get, f"{caddy.url}/backend/slow")
        wait_until(lambda: slow_server.requests, "the request at the upstream")
        proxy.withdraw("backend", slow_server.address)
        assert proxy.requests_in_flight(slow_server.address) == 1
        assert wait_until_drained(proxy, slow_server.address, limit_s=0.3) == 1
        drained = pool.submit(wait_until_drained, proxy, slow_server.address, 30.0)
        _release(slow_server)
        assert drained.result() == 0
        assert request.result() == 200


def test_no_request_is_lost_while_gated_upstreams_come_and_go(
    tmp_path: Path, http_server: HttpServer, slow_server: HttpServer
) -> None:
    http_server.answers["/quick"] = Answer()
    stays, moves = http_server.address, slow_server.address
    gates = _gates(tmp_path, stays, moves)
    changing = threading.Event()
    with start_caddy(tmp_path, {"backend": gates}) as caddy, ThreadPoolExecutor(4) as pool:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", stays)

        def request_until_done() -> list[int]:
            statuses = []
            while not changing.is_set():
                statuses.append(_post(f"{caddy.url}/backend/quick"))
            return statuses

        clients = [pool.submit(request_until_done) for _ in range(4)]
        late = 0
        for _ in range(20):
            proxy.admit("backend", moves)
            served = len(slow_server.requests)
            wait_until(lambda: len(slow_server.requests) > served, "a request at the admitted upstream")  # noqa: B023
            proxy.withdraw("backend", moves)
            assert wait_until_drained(proxy, moves, 30) == 0
            served = len(slow_server.requests)
            arrived = len(http_server.requests)
            wait_until(lambda: len(http_server.requests) > arrived + 5, "requests at the other")  # noqa: B023
            late += len(slow_server.requests) - served
        changing.set()
        statuses = [status for client in clients for status in client.result()]
    assert len(statuses) >= 100
    assert set(statuses) == {200}
    assert late == 0


def test_gates_open_and_close_without_a_change_of_the_configuration(tmp_path: Path) -> None:
    addresses = [f"127.0.0.1:{port}" for port in range(1, 9)]
    with start_caddy(tmp_path, {"backend": _gates(tmp_path, *addresses)}) as caddy:
        proxy, api = CaddyProxy(caddy.admin), CaddyAdmin(caddy.admin)
        before = api.get("/config/")
        assert proxy.upstreams("backend") == ()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda address: proxy.admit("backend", address), addresses))
        assert proxy.upstreams("backend") == tuple(addresses)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda address: proxy.withdraw("backend", address), addresses[:7]))
        assert proxy.upstreams("backend") == ("127.0.0.1:8",)
        assert api.get("/config/") == before


def test_a_gate_that_is_missing_is_closed(tmp_path: Path, http_server: HttpServer) -> None:
    http_server.answers["/page"] = Answer()
    missing = f"{{file.{gate_path(tmp_path, '127.0.0.1:1')}}}"
    with start_caddy(tmp_path, {"backend": [http_server.address, missing]}) as caddy:
        assert CaddyProxy(caddy.admin).upstreams("backend") == (http_server.address,)
        assert {_get(f"{caddy.url}/backend/page") for _ in range(20)} == {200}


def test_draining_a_gated_upstream_waits_for_the_request_in_flight(tmp_path: Path, slow_server: HttpServer) -> None:
    gates = _gates(tmp_path, slow_server.address)
    with start_caddy(tmp_path, {"backend": gates}) as caddy, ThreadPoolExecutor(1) as pool:
        proxy = CaddyProxy(caddy.admin)
        proxy.admit("backend", slow_server.address)
        request = pool.submit(_get, f"{caddy.url}/backend/slow")
        wait_until(lambda: slow_server.requests, "the request at the upstream")
        proxy.withdraw("backend", slow_server.address)
        assert wait_until_drained(proxy, slow_server.address, limit_s=0.3) == 1
        _release(slow_server)
        assert request.result() == 200
        assert wait_until_drained(proxy, slow_server.address, limit_s=30) == 0


def test_what_else_an_upstream_has_is_kept(proxy: CaddyProxy, caddy: CaddyServer) -> None:
    proxy.admit("backend", "127.0.0.1:1")
    _patch(caddy, "/id/backend/upstreams/0", {"dial": "127.0.0.1:1", "max_requests": 7})
    proxy.admit("backend", "127.0.0.1:2")
    entries = CaddyAdmin(caddy.admin).get_list("/id/backend/upstreams")
    assert entries == [{"dial": "127.0.0.1:1", "max_requests": 7}, {"dial": "127.0.0.1:2"}]


def test_the_admin_api_is_reached_by_tcp_as_well(tmp_path: Path) -> None:
    with start_caddy(tmp_path, {"backend": []}, admin_port=free_port()) as server:
        proxy = CaddyProxy(server.admin)
        proxy.admit("backend", "127.0.0.1:1")
        assert proxy.upstreams("backend") == ("127.0.0.1:1",)


def test_an_unknown_pool_is_named_with_what_to_do(proxy: CaddyProxy) -> None:
    with pytest.raises(AdapterError, match='has no pool "frontend": no handler with "@id": "frontend"'):
        proxy.admit("frontend", "127.0.0.1:1")


def test_a_proxy_that_does_not_run_is_named() -> None:
    admin = f"127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match=f"admin API at {admin} does not answer: connection refused"):
        CaddyProxy(admin).upstreams("backend")


@pytest.mark.parametrize("admin", ["localhost", "http://127.0.0.1/", ":2019"])
def test_an_admin_address_of_another_form_is_refused(admin: str) -> None:
    with pytest.raises(AdapterError, match="write host:port or unix/<path of the socket>"):
        CaddyProxy(admin).upstreams("backend")


def _patch(caddy: CaddyServer, path: str, value: object) -> None:
    connection = UnixHTTPConnection(caddy.admin.removeprefix("unix/"), 10)
    connection.request("PATCH", path, json.dumps(value), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
