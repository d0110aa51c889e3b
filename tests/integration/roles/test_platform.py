# SPDX-License-Identifier: Apache-2.0
"""The platform of the registries, brought up on this machine: what it does, how it changes, and how it recovers."""

from __future__ import annotations

import http.client
import json
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import read_gate
from tests.integration.roles.load import steady_load
from tests.integration.roles.scratch import (
    ScratchProject,
    apply,
    backends,
    change_source,
    changed_tasks,
    deploy,
    edit,
    get,
    kill_when,
    make_project,
    scale,
)
from tests.servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800), pytest.mark.xdist_group("platform")]

DEPLOYMENT = ("--tags", "build,deploy,verify")
REQUESTS = 5_000


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchProject]:
    """One platform for all tests of the module; each leaves it healthy."""
    project = make_project(tmp_path_factory.mktemp("platform") / "project")
    try:
        deploy(project)
        yield project
    finally:
        assert apply(project, "platform_down").returncode == 0


def visits(project: ScratchProject, method: str) -> int:
    request = urllib.request.Request(f"{project.url}/api/visits", method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return int(json.load(response)["count"])


def states(project: ScratchProject) -> dict[str, object]:
    return {name: row["pid"] or row["state"] for name, row in backends(project).items()}


def drained(project: ScratchProject) -> set[str]:
    """Backends of the inventory that the proxy hands no requests to."""
    placed = {path.parent.name for path in (project.home / "instances").glob("backend-*/current")}
    gates = project.runtime / "gates" / "proxy-1"
    return {name for name in placed if not read_gate(gates / name)}


def test_a_page_comes_through_proxy_frontend_backend_database_and_cache(platform: ScratchProject) -> None:
    before = visits(platform, "GET")
    page = get(platform, "/")
    assert "production" in page
    assert "stored this visit" in page
    assert visits(platform, "POST") >= before + 2


def test_all_backends_answer_in_turn(platform: ScratchProject) -> None:
    expected = set(backends(platform))
    seen: set[str] = set()

    def all_answered() -> bool:
        seen.add(json.loads(get(platform, "/api/version"))["instance"])
        return seen == expected

    wait_until(all_answered, f"{expected} answer")


def test_a_body_above_the_limit_of_the_proxy_is_refused(platform: ScratchProject) -> None:
    def post(size: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
        try:
            connection.request("POST", "/api/visits", b"x" * size)
            return connection.getresponse().status
        finally:
            connection.close()

    assert (post(900_000), post(1_200_000)) == (201, 413)


def test_instances_come_and_go_with_the_registry(platform: ScratchProject) -> None:
    scale(platform, "backend", 4)
    before = states(platform) | {"backend-4": "absent"}
    predicted = set(changed_tasks(deploy(platform, *DEPLOYMENT, "--check")))
    assert states(platform) == before
    assert set(changed_tasks(deploy(platform, *DEPLOYMENT))) == predicted
    assert {task.partition(":")[0] for task in predicted} == {"backend-4", "localhost"}
    four = backends(platform)
    assert sorted(four) == ["backend-1", "backend-2", "backend-3", "backend-4"]
    assert {row["health"] for row in four.values()} == {"healthy"}
    scale(platform, "backend", 2)
    predicted = set(changed_tasks(deploy(platform, *DEPLOYMENT, "--check")))
    assert set(changed_tasks(deploy(platform, *DEPLOYMENT))) == predicted
    two = backends(platform)
    assert {name: row["pid"] for name, row in two.items()} == {
        name: four[name]["pid"] for name in ("backend-1", "backend-2")
    }
    assert not Path(f"/proc/{four['backend-4']['pid']}").exists()
    assert not (platform.home / "instances" / "backend-4" / "current").exists()


def test_a_failed_verify_takes_every_instance_back_and_fails_the_run(platform: ScratchProject) -> None:
    before = backends(platform)
    comment = "\n# a release that does not pass\n"
    change_source(platform, "", comment)
    edit(platform, lambda it: it["services"]["backend"].update(smoke=[{"path": "/api/version", "contains": "nowhere"}]))
    run = apply(platform, "deployment_production", *DEPLOYMENT)
    change_source(platform, comment, "")
    edit(platform, lambda it: it["services"]["backend"].update(smoke=[{"path": "/api/version", "contains": "backend"}]))
    assert run.returncode != 0
    assert "nowhere" in run.output
    assert "Rolled back:" in run.output
    after = backends(platform)
    assert {name: row["version"] for name, row in after.items()} == {name: row["good"] for name, row in before.items()}
    assert {row["health"] for row in after.values()} == {"healthy"}


def test_a_run_killed_while_an_instance_is_drained_is_mended_by_the_next(platform: ScratchProject) -> None:
    assert drained(platform) == set()
    change_source(platform, "", "\n# a release whose rollout is killed\n")
    with steady_load(platform.url, ["/api/version", "/api/visits", "/"], 0) as load:
        kill_when(platform, "deployment_production", *DEPLOYMENT, condition=lambda: "backend-1" in drained(platform))
        assert drained(platform) == {"backend-1"}
        deploy(platform, *DEPLOYMENT)
    assert drained(platform) == set()
    assert load.failures == []
    assert len({row["release"] for row in backends(platform).values()}) == 1
    assert {row["health"] for row in backends(platform).values()} == {"healthy"}
    test_all_backends_answer_in_turn(platform)
