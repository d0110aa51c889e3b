# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.proxy_upstream through ansible-playbook, every step twice."""

from __future__ import annotations

import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.proxies.caddy import gate_path
from tests.servers.caddy import CaddyServer, start_caddy
from tests.servers.http import Answer, HttpServer
from tests.servers.playbook import run_tasks
from tests.servers.waiting import wait_until

UPSTREAM = "nexus.automation.proxy_upstream"


def _task(name: str, caddy: CaddyServer, address: str, **options: Any) -> dict[str, Any]:
    return {"name": name, UPSTREAM: {"admin": caddy.admin, "pool": "backend", "address": address, **options}}


@pytest.mark.parametrize("gated", [False, True], ids=["in the configuration", "by its gate"])
def test_an_upstream_is_admitted_and_drained_once(gated: bool, tmp_path: Path) -> None:
    address = "127.0.0.1:8001"
    upstreams = [f"{{file.{gate_path(tmp_path, address)}}}"] if gated else []
    with start_caddy(tmp_path, {"backend": upstreams}) as caddy:
        _admit_and_drain(tmp_path, caddy, address)


def _admit_and_drain(tmp_path: Path, caddy: CaddyServer, address: str) -> None:
    tasks = [
        {**_task("Admit (check)", caddy, address), "check_mode": True, "diff": True},
        _task("Admit", caddy, address),
        _task("Admit (again)", caddy, address),
        {**_task("Drain (check)", caddy, address, state="drained"), "check_mode": True},
        _task("Drain", caddy, address, state="drained"),
        _task("Drain (again)", caddy, address, state="drained"),
    ]
    run = run_tasks(tmp_path, tasks)
    assert run.returncode == 0, run.output
    for step in ("Admit", "Drain"):
        assert run.named(f"{step} (check)").changed
        assert run.named(step).changed
        assert not run.named(f"{step} (again)").changed
    assert run.named("Admit (check)").result["diff"] == {"before": "", "after": f"{address}\n"}
    assert run.named("Admit").result["upstreams"] == [address]
    assert run.named("Drain").result["upstreams"] == []


def test_a_proxy_that_does_not_run_yet_is_predicted_and_refused(tmp_path: Path) -> None:
    options = {"admin": f"unix/{tmp_path}/none.sock", "pool": "backend", "address": "127.0.0.1:1"}
    run = run_tasks(
        tmp_path,
        [{"name": "Predict", UPSTREAM: options, "check_mode": True}, {"name": "Admit", UPSTREAM: options}],
    )
    assert run.named("Predict").changed
    assert "does not answer: no such file or directory" in run.named("Admit").message


def test_requests_that_outlive_the_time_limit_fail_the_task_or_are_left(
    tmp_path: Path, caddy: CaddyServer, http_server: HttpServer
) -> None:
    hold = threading.Event()
    http_server.answers["/slow"] = Answer(hold=hold)
    assert run_tasks(tmp_path, [_task("Admit", caddy, http_server.address)]).returncode == 0
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(urllib.request.urlopen, f"{caddy.url}/backend/slow", None, 60)
        wait_until(lambda: http_server.requests, "the request at the upstream")
        drain = {"state": "drained", "drain_timeout": 0.2}
        run = run_tasks(
            tmp_path,
            [
                _task("Proceed", caddy, http_server.address, on_timeout="proceed", **drain),
                _task("Fail", caddy, http_server.address, **drain),
            ],
        )
        hold.set()
        with request.result() as response:
            assert response.status == 200
    assert run.named("Proceed").outcome == "ok"
    assert run.named("Proceed").result["in_flight"] == 1
    assert run.named("Fail").message.startswith(f"{http_server.address} still works on 1 requests 0.2 s after")
