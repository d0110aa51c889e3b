# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.proxy_upstream through ansible-playbook, every step twice."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import gate_path, lay_gates, read_gate
from tests.servers.caddy import CaddyServer, start_caddy
from tests.servers.http import Answer, HttpServer
from tests.servers.playbook import run_tasks
from tests.servers.waiting import wait_until

UPSTREAM = "nexus.automation.proxy_upstream"


NAME = "backend-1"


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[CaddyServer]:
    """A proxy with a closed gate for one upstream."""
    gate = gate_path(tmp_path / "gates", NAME)
    lay_gates([gate])
    with start_caddy(tmp_path, {"backend": [f"{{file.{gate}}}"]}) as caddy:
        yield caddy


def _task(name: str, caddy: CaddyServer, **options: Any) -> dict[str, Any]:
    return {"name": name, UPSTREAM: {"admin": caddy.admin, "pool": "backend", "upstream": NAME, **options}}


def test_an_upstream_is_admitted_and_drained_once(tmp_path: Path, gated: CaddyServer) -> None:
    address = "127.0.0.1:8001"
    tasks = [
        {**_task("Admit (check)", gated, address=address), "check_mode": True, "diff": True},
        _task("Admit", gated, address=address),
        _task("Admit (again)", gated, address=address),
        {**_task("Drain (check)", gated, state="drained"), "check_mode": True},
        _task("Drain", gated, state="drained"),
        _task("Drain (again)", gated, state="drained"),
    ]
    run = run_tasks(tmp_path, tasks)
    assert run.returncode == 0, run.output
    for step in ("Admit", "Drain"):
        assert run.named(f"{step} (check)").changed
        assert run.named(step).changed
        assert not run.named(f"{step} (again)").changed
    assert run.named("Admit (check)").result["diff"] == {"before": "", "after": f"{address}\n"}
    assert run.named("Admit").result["upstreams"] == {NAME: address}
    assert run.named("Drain").result["upstreams"] == {}


def test_gates_are_made_once_and_closed(tmp_path: Path) -> None:
    folder = tmp_path / "gates"

    def lay(name: str, *upstreams: str, **keywords: bool) -> dict[str, Any]:
        options = {"folder": str(folder), "upstreams": upstreams}
        return {"name": name, "nexus.automation.proxy_gates": options, **keywords}

    run = run_tasks(
        tmp_path,
        [
            lay("Lay (check)", "a-1", check_mode=True),
            lay("Lay", "a-1"),
            lay("Lay (again)", "a-1"),
            lay("Lay more", "a-1", "a-2"),
        ],
    )
    assert run.returncode == 0, run.output
    assert [result.result["made"] for result in run.results] == [["a-1"], ["a-1"], [], ["a-2"]]
    assert [result.changed for result in run.results] == [True, True, False, True]
    assert {gate.name: read_gate(gate) for gate in folder.iterdir()} == {"a-1": "", "a-2": ""}


def test_a_proxy_that_does_not_run_yet_is_predicted_and_refused(tmp_path: Path) -> None:
    options = {
        "admin": f"unix/{tmp_path}/none.sock",
        "pool": "backend",
        "upstream": NAME,
        "address": "127.0.0.1:1",
    }
    run = run_tasks(
        tmp_path,
        [{"name": "Predict", UPSTREAM: options, "check_mode": True}, {"name": "Admit", UPSTREAM: options}],
    )
    assert run.named("Predict").changed
    assert "does not answer: no such file or directory" in run.named("Admit").message


def test_requests_that_outlive_the_time_limit_fail_the_task_or_are_left(
    tmp_path: Path, gated: CaddyServer, http_server: HttpServer
) -> None:
    hold = threading.Event()
    http_server.answers["/slow"] = Answer(hold=hold)
    assert run_tasks(tmp_path, [_task("Admit", gated, address=http_server.address)]).returncode == 0
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(urllib.request.urlopen, f"{gated.url}/backend/slow", None, 60)
        wait_until(lambda: http_server.requests, "the request at the upstream")
        drain = {"state": "drained", "drain_timeout": 0.2}
        run = run_tasks(
            tmp_path,
            [
                _task("Proceed", gated, address=http_server.address, on_timeout="proceed", **drain),
                _task("Fail", gated, address=http_server.address, **drain),
            ],
        )
        hold.set()
        with request.result() as response:
            assert response.status == 200
    assert run.named("Proceed").outcome == "ok"
    assert run.named("Proceed").result["in_flight"] == 1
    assert run.named("Fail").message.startswith(f"{NAME} still works on 1 requests 0.2 s after")
