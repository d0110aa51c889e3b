# SPDX-License-Identifier: Apache-2.0
"""What Azure tells decides whether a run begins: with anything less than all of it, nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.command import environment, nexus, said_plainly
from tests.integration.discovery.project import host_variables, make_project, refused
from tests.servers.azure_resource_manager import PLATFORM, SECRET, ResourceManager, running_resource_manager

pytestmark = pytest.mark.xdist_group("discovery-azure")


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[ResourceManager]:
    with running_resource_manager(tmp_path) as cloud:
        yield cloud


def _project(root: Path, *groups: str, **more: object) -> Path:
    discovery = {"resource_groups": list(groups or ("shop",)), "tags": {"platform": PLATFORM}, "expect": {"min": 2}}
    return make_project(root, {"runner": "azure", "discovery": {**discovery, **more}})


def _refused(project: Path, cloud: ResourceManager, *told: str) -> bool:
    return refused(project, cloud.environment, SECRET, *told)


def test_fewer_machines_than_expected_are_refused(tmp_path: Path, cloud: ResourceManager) -> None:
    cloud.describe("web-1", "10.1.0.11")
    cloud.describe("other", "10.1.0.12", platform="another")
    cloud.describe("web-2", "10.1.0.13", group="Elsewhere")

    assert _refused(_project(tmp_path), cloud, "1 machines were found and 2 are expected: web-1", "expect.min")


def test_groups_that_are_not_there_or_may_not_be_read_or_are_empty_are_refused(
    tmp_path: Path, cloud: ResourceManager
) -> None:
    for number in range(1, 4):
        cloud.describe(f"web-{number}", f"10.1.0.1{number}")
    cloud.describe("data-1", "10.1.0.21", group="Data")
    cloud.forbidden = {"data"}
    cloud.groups.add("spare")

    assert _refused(
        _project(tmp_path, "shop", "data", "spare", "typo"),
        cloud,
        *(f"no machine was found in the resource group {name}" for name in ("data", "spare", "typo")),
    )


def test_a_resource_manager_that_does_not_answer_is_refused(tmp_path: Path, cloud: ResourceManager) -> None:
    for number in range(1, 4):
        cloud.describe(f"web-{number}", f"10.1.0.1{number}")
    cloud.is_down = True

    assert _refused(_project(tmp_path), cloud, "machines.shop.azure_rm.yml: ")


def test_credentials_that_azure_refuses_are_told(tmp_path: Path, cloud: ResourceManager) -> None:
    project = _project(tmp_path)

    shell = environment(project, **{**cloud.environment, "AZURE_SECRET": f"{SECRET}-of-last-year"})
    done = nexus(project, "plan", "production", env=shell)

    assert said_plainly(done, 7, "machines.shop.azure_rm.yml: ", "AADSTS7000215: Invalid client secret")
    assert SECRET not in done.stderr


def test_machines_of_another_subscription_are_not_taken(tmp_path: Path, cloud: ResourceManager) -> None:
    for number in range(1, 4):
        cloud.describe(f"web-{number}", f"10.1.0.1{number}")
    other = "00000000-0000-0000-0000-000000000000"

    assert _refused(_project(tmp_path, subscription=other), cloud, "no machine was found in the resource group shop")


def test_everything_that_is_wrong_with_machines_is_told_at_once(tmp_path: Path, cloud: ResourceManager) -> None:
    stopped = cloud.describe("web-1", "10.1.0.11", power="deallocated")
    twins = [cloud.describe("web-2", f"10.1.0.2{number}", group=group) for number, group in enumerate(("Data", "Shop"))]
    named = cloud.describe("Web-4", "10.1.0.14")
    api = cloud.describe("api-1", "10.1.0.15", **{"nexus-capacity-memory": "much"})

    assert _refused(
        _project(tmp_path, "shop", "data"),
        cloud,
        f"web-1 ({stopped}): is deallocated, not running",
        f"the name web-2 belongs to {twins[0]} and {twins[1]}",
        f"Web-4 ({named}): not a name of lower-case letters",
        f"api-1 ({api}): a service, an instance or a group of the inventory has that name",
        'the tag nexus-capacity-memory is "much"',
    )


def test_the_inventory_has_every_page_and_keeps_nothing_of_the_vendor_s(tmp_path: Path, cloud: ResourceManager) -> None:
    project = _project(tmp_path, address="public")
    for number in range(1, 6):
        cloud.describe(
            f"web-{number}", f"10.1.0.1{number}", public=f"203.0.113.{number}", **{"nexus-label-tier": "web"}
        )

    first = host_variables(project, cloud.environment)

    assert first == host_variables(project, cloud.environment)
    assert set(first) == {"localhost", *(f"web-{number}" for number in range(1, 6)), "api-1", "api-2", "api-3"}
    assert (first["web-2"]["nexus_address"], first["web-2"]["ansible_host"]) == ("10.1.0.12", "203.0.113.2")
    assert first["web-2"]["nexus_labels"] == {
        "location": "westeurope",
        "zone": "1",
        "size": "Standard_B2s",
        "resource_group": "shop",
        "tier": "web",
    }
    kept = {key for host in first.values() for key in host}
    assert not {"vmid", "nexus_discovered", "tags", "powerstate"} & kept


def test_the_static_plan_needs_no_cloud(tmp_path: Path) -> None:
    done = nexus(_project(tmp_path), "plan", "production", "--static")

    assert done.returncode == 0, done.stderr
    assert "machines: discovered by each run" in done.stdout
