# SPDX-License-Identifier: Apache-2.0
"""The test servers themselves: each one really serves, and is gone afterwards."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest
import redis as redis_client

from tests.servers.caddy import start_caddy
from tests.servers.http import Answer, start_http
from tests.servers.playbook import run_tasks
from tests.servers.ports import free_port, free_ports
from tests.servers.postgresql import start_postgresql
from tests.servers.process import accepts, running
from tests.servers.redis import start_redis
from tests.servers.supervisord import start_supervisord


def test_postgresql_runs_below_a_private_directory_and_is_gone_afterwards(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with start_postgresql(private) as server, psycopg.connect(server.url()) as connection:
        row = connection.execute("select current_user, current_setting('is_superuser')").fetchone()
        assert row == ("nexus", "on")
    assert not accepts(server.port)


def test_postgresql_keeps_its_data_when_started_again(tmp_path: Path) -> None:
    with start_postgresql(tmp_path) as server, psycopg.connect(server.url()) as connection:
        connection.execute("create table kept (id int)")
    with start_postgresql(tmp_path) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("select count(*) from kept").fetchone() == (0,)


def test_redis_asks_for_its_password(tmp_path: Path) -> None:
    with start_redis(tmp_path) as server:
        with redis_client.Redis.from_url(server.url) as client:
            assert client.ping()
        with redis_client.Redis(port=server.port) as stranger, pytest.raises(redis_client.AuthenticationError):
            stranger.ping()


def test_caddy_hands_requests_of_a_pool_to_its_upstream(tmp_path: Path) -> None:
    with (
        start_http({"/hello": Answer(body=b"from the upstream")}) as upstream,
        start_caddy(tmp_path, {"backend": [upstream.address]}) as proxy,
        urllib.request.urlopen(f"{proxy.url}/backend/hello", timeout=10) as response,
    ):
        assert response.read() == b"from the upstream"


def test_supervisord_listens_on_a_short_socket(tmp_path: Path) -> None:
    with start_supervisord(tmp_path) as server:
        assert server.socket.is_socket()
        assert len(str(server.socket)) < 108
    assert not server.socket.exists()


def test_http_answers_404_where_the_test_set_nothing() -> None:
    with start_http() as server, pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{server.url}/nothing", timeout=10)
    assert caught.value.code == 404
    caught.value.close()
    assert server.requests == ["GET /nothing"]


def test_ports_are_handed_out_once() -> None:
    ports = free_ports(50)
    assert len({*ports, free_port()}) == 51


def test_a_process_that_ends_early_shows_its_output(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="no such option"),
        running(["sh", "-c", "echo no such option; exit 2"], lambda: False, tmp_path / "log"),
    ):
        raise AssertionError


def test_run_tasks_hands_back_each_result(tmp_path: Path) -> None:
    tasks = [
        {"name": "Say", "ansible.builtin.debug": {"msg": "{{ word }}"}},
        {"name": "Fail", "ansible.builtin.fail": {"msg": "on purpose"}},
    ]
    run = run_tasks(tmp_path, tasks, variables={"word": "spoken"})
    assert run.returncode == 2
    assert run.named("Say").result["msg"] == "spoken"
    assert (run.named("Fail").outcome, run.named("Fail").message) == ("failed", "on purpose")
