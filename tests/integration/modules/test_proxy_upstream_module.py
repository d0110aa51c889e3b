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

from ansible_collections.nexus.automation.plugins.module_utils.proxies import PROXIES
from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import read_gate
from ansible_collections.nexus.automation.plugins.module_utils.proxies.nginx_servers import HEADER, NONE
from tests.servers.http import Answer, HttpServer
from tests.servers.playbook import run_tasks
from tests.servers.proxies import POOL, GatedProxy, Start
from tests.servers.waiting import wait_until

UPSTREAM = "nexus.automation.proxy_upstream"


NAME = "backend-1"


@pytest.fixture
def gated(start_gated: Start, tmp_path: Path) -> Iterator[GatedProxy]:
    """A proxy of each kind, with a closed gate for one upstream."""
    with start_gated(tmp_path, NAME) as proxy:
        yield proxy


def _task(name: str, gated: GatedProxy, **options: Any) -> dict[str, Any]:
    where = {"proxy": gated.kind, "admin": gated.admin, "pool": POOL, "upstream": NAME}
    return {"name": name, UPSTREAM: {**where, **options}}


def test_an_upstream_is_admitted_and_drained_once(tmp_path: Path, gated: GatedProxy) -> None:
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
        options = {"folder": str(folder), "pools": {"a": upstreams}}
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


def test_servers_of_nginx_are_what_the_gates_say(tmp_path: Path) -> None:
    folder, servers = tmp_path / "gates", tmp_path / "servers"
    options = {"folder": str(folder), "servers": str(servers), "pools": {"a": ["a-1"], "b": ["b-1"]}}

    def lay(name: str, **keywords: bool) -> dict[str, Any]:
        return {"name": name, "nexus.automation.proxy_gates": options, **keywords}

    run = run_tasks(
        tmp_path,
        [
            lay("Lay (check)", check_mode=True),
            lay("Lay"),
            lay("Lay (again)"),
            {"name": "Open", "ansible.builtin.copy": {"dest": str(folder / "b-1"), "content": "127.0.0.1:1"}},
            lay("Lay what is open"),
        ],
    )
    assert run.returncode == 0, run.output
    written = [run.named(name).result["written"] for name in ("Lay (check)", "Lay", "Lay (again)", "Lay what is open")]
    assert written == [["a", "b"], ["a", "b"], [], ["b"]]
    assert (servers / "a.conf").read_text() == f"{HEADER}{NONE}"
    assert (servers / "b.conf").read_text() == f"{HEADER}server 127.0.0.1:1 max_fails=0;\n"


@pytest.mark.parametrize("kind", PROXIES)
def test_a_proxy_that_does_not_run_yet_is_predicted_and_refused(tmp_path: Path, kind: str) -> None:
    options = {
        "proxy": kind,
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
    tmp_path: Path, gated: GatedProxy, http_server: HttpServer
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
