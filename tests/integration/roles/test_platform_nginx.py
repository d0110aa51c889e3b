# SPDX-License-Identifier: Apache-2.0
"""The platform of the registries with nginx as its proxy."""

from __future__ import annotations

import http.client
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.processes import all_processes
from tests.integration.roles.load import KeptConnection, steady_load
from tests.integration.roles.scratch import (
    ScratchProject,
    apply,
    backends,
    change_source,
    changed_tasks,
    deploy,
    edit,
    get,
    make_project,
    status,
)
from tests.servers.nginx import nginx_program
from tests.servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800), pytest.mark.xdist_group("platform nginx")]

DEPLOYMENT = ("--tags", "build,deploy,verify")
PATHS = ("/api/version", "/api/version", "/api/visits", "/")
REQUESTS = 2_000


def with_nginx(orchestration: dict[str, Any]) -> None:
    orchestration["services"]["proxy"]["settings"]["server"] = "nginx"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchProject]:
    """One platform for all tests of the module; each leaves it healthy."""
    nginx_program()
    project = make_project(tmp_path_factory.mktemp("platform $nginx it's") / "project")
    edit(project, with_nginx)
    try:
        deploy(project)
        yield project
    finally:
        assert apply(project, "platform_down").returncode == 0


def proxy_pid(project: ScratchProject) -> int:
    return int(status(project)["proxy-1"]["pid"])


def test_a_page_comes_through_and_a_second_run_changes_nothing(platform: ScratchProject) -> None:
    assert "stored this visit" in get(platform, "/")
    deploy(platform)  # another test may have changed the source
    before = proxy_pid(platform)
    assert changed_tasks(deploy(platform)) == []
    assert proxy_pid(platform) == before


def test_a_body_above_the_limit_of_the_proxy_is_refused(platform: ScratchProject) -> None:
    def post(size: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=30)
        try:
            connection.request("POST", "/api/visits", b"x" * size)
            return connection.getresponse().status
        finally:
            connection.close()

    assert (post(900_000), post(1_200_000)) == (201, 413)


def test_a_rolling_update_under_load_loses_no_request(platform: ScratchProject) -> None:
    before, proxy = backends(platform), proxy_pid(platform)
    change_source(platform, "", "\n# a new release\n")
    predicted = set(changed_tasks(deploy(platform, *DEPLOYMENT, "--check")))
    with (
        steady_load(platform.url, PATHS, REQUESTS) as own,
        steady_load(platform.url, PATHS, REQUESTS, KeptConnection) as kept,
    ):
        applied = set(changed_tasks(deploy(platform, *DEPLOYMENT)))
    assert own.failures == []
    assert kept.failures == []
    assert min(own.requests, kept.requests) >= REQUESTS
    assert kept.reopened > 0
    assert applied == predicted
    after = backends(platform)
    assert {row["release"] for row in after.values()}.isdisjoint({row["release"] for row in before.values()})
    assert proxy_pid(platform) == proxy


def test_a_killed_nginx_is_running_again_without_its_orphans(platform: ScratchProject) -> None:
    killed = proxy_pid(platform)
    orphans = [process for process in all_processes() if process.parent == killed]
    assert orphans
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not any(process.alive for process in orphans), "the workers of the killed one end", limit_s=60)

    def is_back() -> bool:
        row = status(platform)["proxy-1"]
        return row["pid"] not in {None, killed} and row["health"] == "healthy"

    wait_until(is_back, "nginx runs again", limit_s=120)
    assert "stored this visit" in get(platform, "/")


def test_caddy_and_nginx_take_turns(platform: ScratchProject) -> None:
    edit(platform, lambda it: it["services"]["proxy"]["settings"].update(server="caddy"))
    deploy(platform, *DEPLOYMENT)
    assert "stored this visit" in get(platform, "/")
    edit(platform, with_nginx)
    deploy(platform, *DEPLOYMENT)
    assert "stored this visit" in get(platform, "/")
