# SPDX-License-Identifier: Apache-2.0
"""The contract: what the platform does on one runner, it does on every other."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.contract.grounds import GROUNDS
from tests.contract.platform import Platform, make_platform
from tests.integration.roles.load import steady_load
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1200)]

BACK_LIMIT_S = 180
REQUESTS = 1_000
# Its own tests pass: only an instance does not come up.
BROKEN = """
import os

if os.environ.get("NEXUS_ENVIRONMENT") == "production":
    raise SystemExit("broken on purpose")
"""


def _group(ground: str) -> str:
    """One cluster serves all tests, in turns, so they share a worker."""
    return "cluster" if ground == "kubernetes" else f"contract-{ground}"


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(_group(name))) for name in GROUNDS]
)
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform on one ground, applied; each test leaves it healthy. In the end nothing of it may be left."""
    root = tmp_path_factory.mktemp(f"contract-{request.param}") / "project"
    with GROUNDS[request.param](root) as ground:
        platform = make_platform(root, ground)
        platform.apply()
        yield platform
        platform.run("down", "production", "--yes", "--reason", "the contract")
        assert ground.left() == []
        platform.run("audit", "verify", "--integrity-only")


def are_healthy(platform: Platform) -> bool:
    return {row["health"] for row in platform.instances().values()} == {"healthy"}


def test_a_page_comes_through_all_services(platform: Platform) -> None:
    assert "stored this visit" in platform.get("/")
    assert are_healthy(platform)


def test_a_second_apply_changes_nothing(platform: Platform) -> None:
    assert platform.apply()["counts"]["changed"] == 0


def test_scaling_touches_no_other_instance(platform: Platform) -> None:
    def pids() -> dict[str, int]:
        return {name: row["pid"] for name, row in platform.instances().items()}

    before = pids()
    platform.scale(5)
    platform.deploy()
    five = pids()
    assert five == {**before, "backend-4": five["backend-4"], "backend-5": five["backend-5"]}
    platform.scale(2)
    platform.deploy()
    assert pids() == {name: pid for name, pid in before.items() if name != "backend-3"}


def test_a_rolling_update_loses_no_request(platform: Platform) -> None:
    before = platform.instances("backend")
    platform.append_to_source("\n# a new release\n")
    with steady_load(platform.ground.url, ["/api/version", "/api/visits", "/"], REQUESTS) as load:
        platform.deploy()
    assert load.failures == []
    assert load.requests >= REQUESTS
    after = platform.instances("backend")
    assert {row["release"] for row in after.values()}.isdisjoint({row["release"] for row in before.values()})
    assert len({row["release"] for row in after.values()}) == 1


def test_a_failed_release_goes_back(platform: Platform) -> None:
    def versions() -> dict[str, tuple[str, str]]:
        return {name: (row["version"], row["health"]) for name, row in platform.instances("backend").items()}

    before = versions()
    platform.append_to_source(BROKEN)
    done = platform.run("apply", "production", "--yes", "--reason", "a broken release", expect=6)
    platform.take_from_source(BROKEN)
    assert "backend-1" in done.stderr
    assert versions() == before


def test_a_killed_instance_is_replaced(platform: Platform) -> None:
    killed = platform.instances("backend")["backend-1"]
    platform.ground.kill(killed)

    def is_back() -> bool:
        row = json.loads(platform.run("status", "production", "--json", expect=None).stdout)
        now = next(one for one in row["environments"]["production"] if one["instance"] == "backend-1")
        return now["pid"] not in {None, killed["pid"]} and now["health"] == "healthy"

    wait_until(is_back, "backend-1 runs again", BACK_LIMIT_S)


def test_drift_is_shown_by_plan_and_mended_by_apply(platform: Platform) -> None:
    platform.ground.stop(platform.instances("backend")["backend-2"])
    assert {change["host"] for change in platform.planned()} == {"backend-2"}
    platform.apply()
    assert are_healthy(platform)
