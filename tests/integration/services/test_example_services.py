# SPDX-License-Identifier: Apache-2.0
"""The example frontend and backend together, behind a real proxy, as a deployment runs them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.servers.embedded import caddy
from tests.servers.ports import free_port, free_ports
from tests.servers.postgresql import start_postgresql
from tests.servers.process import accepts, running
from tests.servers.redis import start_redis
from tests.servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERVICES = Path(__file__).parents[3] / "services"
VISITORS = 8


def request(port: int, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode()


def answers(port: int, path: str) -> bool:
    try:
        return request(port, "GET", path)[0] == 200
    except OSError:
        return False


class Instance:
    """One replica of a service: started, and replaced by a new process on the same port."""

    def __init__(self, directory: Path, service: str, number: int, environment: dict[str, str]) -> None:
        self.port = free_port()
        self._name = f"{service}-{number}"
        self._log = directory / f"{self._name}.log"
        self._argv = [sys.executable, "-m", f"nexus_{service}"]
        self._health = {"backend": "/api/health", "frontend": "/health"}[service]
        identity = {"NEXUS_INSTANCE": self._name, "NEXUS_RELEASE": "r1", "NEXUS_ENVIRONMENT": "testing"}
        paths = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVICES / service)}
        self._environment = {**paths, "PORT": str(self.port), **identity, **environment}
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        ready = partial(answers, self.port, self._health)
        self._process = self._stack.enter_context(running(self._argv, ready, self._log, self._environment))

    def stop(self) -> None:
        self._stack.close()

    def replace(self) -> None:
        stopped = self._process
        self.stop()
        assert stopped.returncode == 0, self._log.read_text()
        self.start()


class Platform:
    """Three backends and two frontends behind one proxy."""

    def __init__(self, port: int, database_url: str, instances: Sequence[Instance]) -> None:
        self.port = port
        self.instances = instances
        self._database_url = database_url

    def rows(self) -> int:
        with psycopg.connect(self._database_url) as conn:
            row = conn.execute("SELECT count(*) FROM visits").fetchone()
        assert row is not None
        return int(row[0])


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(start_postgresql(tmp_path))
        redis = stack.enter_context(start_redis(tmp_path))
        port, inner_port = free_ports(2)
        urls = {"DATABASE_URL": database.url(), "REDIS_URL": redis.url}
        backends = [Instance(tmp_path, "backend", number, urls) for number in (1, 2, 3)]
        backend_url = {"BACKEND_URL": f"http://127.0.0.1:{inner_port}"}
        frontends = [Instance(tmp_path, "frontend", number, backend_url) for number in (1, 2)]
        for instance in (*backends, *frontends):
            stack.callback(instance.stop)
            instance.start()
        config = tmp_path / "caddy.json"
        config.write_text(json.dumps(proxy_configuration(port, inner_port, backends, frontends)))
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
        argv = [str(caddy()), "run", "--config", str(config)]
        stack.enter_context(running(argv, lambda: accepts(port), tmp_path / "caddy.log", environment))
        yield Platform(port, database.url(), [*backends, *frontends])


def proxy_configuration(
    port: int, inner_port: int, backends: Sequence[Instance], frontends: Sequence[Instance]
) -> dict[str, Any]:
    """`/api/*` goes to the backends, the rest to the frontends; these reach the backends by a port of their own."""
    api = {"match": [{"path": ["/api/*"]}], "handle": [balance(backends)]}
    listen = {"automatic_https": {"disable": True}, "protocols": ["h1"]}
    outer = listen | {"listen": [f"127.0.0.1:{port}"], "routes": [api, {"handle": [balance(frontends)]}]}
    inner = listen | {"listen": [f"127.0.0.1:{inner_port}"], "routes": [{"handle": [balance(backends)]}]}
    return {"admin": {"disabled": True}, "apps": {"http": {"servers": {"outer": outer, "inner": inner}}}}


def balance(instances: Sequence[Instance]) -> dict[str, Any]:
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"127.0.0.1:{instance.port}"} for instance in instances],
        "load_balancing": {"selection_policy": {"policy": "round_robin"}, "try_duration": "10s"},
    }


class Visitor(threading.Thread):
    """A client that visits the page and the API in turn until it is told to stop, and notes what failed."""

    def __init__(self, port: int, stop: threading.Event) -> None:
        super().__init__()
        self._port = port
        self._told_to_stop = stop
        self.visits = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._told_to_stop.is_set():
            page, api = ("GET", "/"), ("POST", "/api/visits")
            method, path = (page, api)[self.visits % 2]
            headers = {"Idempotency-Key": f"{self.name}-{self.visits}"} if method == "POST" else {}
            try:
                status, text = request(self._port, method, path, headers)
            except (OSError, http.client.HTTPException) as error:
                status, text = 0, repr(error)
            self.visits += 1
            if status not in {200, 201}:
                self.failures.append(f"{method} {path}: {status} {text[:300]}")


def test_a_visit_to_the_page_is_counted_and_the_page_names_who_served_it(platform: Platform) -> None:
    backends, frontends, counts = set(), set(), []
    for _ in range(6):
        status, page = request(platform.port, "GET", "/")
        assert status == 200
        counts.append(int(re.search(r'<data id="visits" value="(\d+)">', page)[1]))
        backends |= set(re.findall(r"backend-\d", page))
        frontends |= set(re.findall(r"frontend-\d", page))
    assert counts == [1, 2, 3, 4, 5, 6]
    assert backends == {"backend-1", "backend-2", "backend-3"}
    assert frontends == {"frontend-1", "frontend-2"}


def test_a_post_through_the_proxy_raises_the_count_every_replica_gives(platform: Platform) -> None:
    assert request(platform.port, "POST", "/api/visits")[0] == 201
    counts = [json.loads(request(platform.port, "GET", "/api/visits")[1]) for _ in range(3)]
    assert [count["count"] for count in counts] == [1, 1, 1]
    assert {count["instance"] for count in counts} == {"backend-1", "backend-2", "backend-3"}


def test_replacing_every_instance_under_load_fails_no_request_and_loses_no_visit(platform: Platform) -> None:
    stop = threading.Event()
    visitors = [Visitor(platform.port, stop) for _ in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    try:
        for instance in platform.instances:
            before = sum(visitor.visits for visitor in visitors)
            instance.replace()
            wait_until(lambda before=before: sum(v.visits for v in visitors) > before + 100, "the load goes on")
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join()
    assert [failure for visitor in visitors for failure in visitor.failures] == []
    assert platform.rows() == sum(visitor.visits for visitor in visitors) > 500


@pytest.mark.parametrize("name", ["server.py", "metrics.py"])
def test_the_copies_in_both_services_are_the_same(name: str) -> None:
    backend, frontend = (SERVICES / service / f"nexus_{service}" / name for service in ("backend", "frontend"))
    assert backend.read_text() == frontend.read_text()
