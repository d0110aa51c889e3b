# SPDX-License-Identifier: Apache-2.0
"""What only nginx does: each change is written into its configuration, tested and loaded."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError, UnreachableError
from ansible_collections.nexus.automation.plugins.module_utils.proxies import wait_until_drained
from ansible_collections.nexus.automation.plugins.module_utils.proxies.nginx_servers import (
    NONE,
    outdated_servers,
    servers_text,
    write_servers,
)
from tests.servers.http import Answer, HttpServer, start_http
from tests.servers.proxies import POOL, GatedProxy, gated_nginx
from tests.servers.waiting import wait_until

NAME = "backend-1"


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[GatedProxy]:
    with gated_nginx(tmp_path, NAME, "backend-2") as server:
        yield server


@pytest.fixture
def servers(tmp_path: Path) -> Path:
    """Return the file with the servers of the pool."""
    return tmp_path / "servers" / f"{POOL}.conf"


def _get(nginx: GatedProxy, path: str) -> int:
    with urllib.request.urlopen(f"{nginx.url}/{POOL}{path}", timeout=30) as response:
        return int(response.status)


def test_a_change_that_nginx_refuses_leaves_file_and_gate_and_says_why(
    nginx: GatedProxy, servers: Path, http_server: HttpServer
) -> None:
    http_server.answers["/page"] = Answer()
    nginx.proxy.admit(POOL, NAME, http_server.address)
    before = servers.read_text()
    with pytest.raises(AdapterError, match=r'host not found in upstream "nowhere\.invalid:80"'):
        nginx.proxy.admit(POOL, "backend-2", "nowhere.invalid:80")
    assert servers.read_text() == before
    assert nginx.proxy.upstreams(POOL) == {NAME: http_server.address, "backend-2": ""}
    assert _get(nginx, "/page") == 200


def test_a_withdrawal_that_nginx_refuses_leaves_the_gate_open(
    nginx: GatedProxy, tmp_path: Path, http_server: HttpServer
) -> None:
    nginx.proxy.admit(POOL, NAME, http_server.address)
    configuration = tmp_path / "nginx.conf"
    text = configuration.read_text()
    configuration.write_text("nonsense;\n", encoding="utf-8")
    with pytest.raises(AdapterError, match='unknown directive "nonsense"'):
        nginx.proxy.withdraw(POOL, NAME)
    assert nginx.proxy.upstreams(POOL)[NAME] == http_server.address
    configuration.write_text(text, encoding="utf-8")
    nginx.proxy.withdraw(POOL, NAME)
    assert nginx.proxy.upstreams(POOL)[NAME] == ""


def test_an_address_of_another_form_never_gets_into_the_configuration(nginx: GatedProxy, servers: Path) -> None:
    before = servers.read_text()
    with pytest.raises(AdapterError, match="write host:port"):
        nginx.proxy.admit(POOL, NAME, "127.0.0.1:1; } evil {")
    assert servers.read_text() == before


def test_what_a_killed_process_wrote_is_loaded_by_the_next(
    nginx: GatedProxy, servers: Path, http_server: HttpServer
) -> None:
    http_server.answers["/page"] = Answer()
    for path, text in outdated_servers(servers.parent, {POOL: {NAME: http_server.address}}).items():
        write_servers(path, text)
    nginx.proxy.admit(POOL, NAME, http_server.address)
    assert _get(nginx, "/page") == 200


def test_nothing_is_loaded_when_nothing_changes(nginx: GatedProxy, tmp_path: Path) -> None:
    def loaded() -> int:
        return (tmp_path / "nginx.log").read_text().count("(SIGHUP) received")

    nginx.proxy.admit(POOL, NAME, "127.0.0.1:1")
    assert loaded() == 1
    nginx.proxy.admit(POOL, NAME, "127.0.0.1:1")
    nginx.proxy.withdraw(POOL, "backend-2")
    assert loaded() == 1


def test_requests_at_other_upstreams_do_not_hold_up_a_drain(nginx: GatedProxy, http_server: HttpServer) -> None:
    hold = threading.Event()
    http_server.answers["/slow"] = Answer(hold=hold)
    with start_http({"/quick": Answer()}) as other, ThreadPoolExecutor(1) as pool:
        nginx.proxy.admit(POOL, NAME, http_server.address)
        request = pool.submit(_get, nginx, "/slow")
        wait_until(lambda: http_server.requests, "the request at the upstream")
        nginx.proxy.admit(POOL, "backend-2", other.address)
        nginx.proxy.withdraw(POOL, "backend-2")
        assert wait_until_drained(nginx.proxy, other.address, 30) == 0
        assert nginx.proxy.requests_in_flight(http_server.address) == 1
        hold.set()
        assert request.result() == 200
        assert wait_until_drained(nginx.proxy, http_server.address, 30) == 0


def test_an_nginx_whose_pid_file_is_gone_is_named(nginx: GatedProxy, tmp_path: Path) -> None:
    (tmp_path / "nginx.pid").unlink()
    with pytest.raises(UnreachableError, match=r"nginx\.pid names no process\. Start nginx\."):
        nginx.proxy.admit(POOL, NAME, "127.0.0.1:1")
    assert nginx.proxy.upstreams(POOL)[NAME] == ""


def test_a_layout_of_another_form_is_refused(nginx: GatedProxy, tmp_path: Path) -> None:
    (tmp_path / "layout.json").write_text("{}", encoding="utf-8")
    with pytest.raises(AdapterError, match=r"with no layout \(KeyError: 'program'\). Correct the file"):
        nginx.proxy.upstreams(POOL)


def test_a_server_that_is_alone_is_asked_every_time() -> None:
    assert "127.0.0.1:1 max_fails=0;" in servers_text(["127.0.0.1:1", ""])
    assert "127.0.0.1:1 max_fails=1 fail_timeout=1s;" in servers_text(["127.0.0.1:1", "127.0.0.1:2"])
    assert servers_text(["", ""]).endswith(NONE)
