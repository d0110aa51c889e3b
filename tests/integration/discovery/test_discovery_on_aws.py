# SPDX-License-Identifier: Apache-2.0
"""What EC2 tells decides whether a run begins: with anything less than all of it, nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.command import nexus, said_plainly
from tests.integration.discovery.project import ansible, host_variables, make_project, refused
from tests.servers.ec2 import FILTER, REGION, SECRET, VARIABLES, client, describe, running_ec2

pytestmark = pytest.mark.xdist_group("discovery-aws")


@pytest.fixture
def endpoint() -> Iterator[str]:
    with running_ec2() as endpoint:
        yield endpoint


def _project(root: Path, *regions: str) -> Path:
    discovery = {"regions": list(regions or (REGION,)), "filters": FILTER, "expect": {"min": 2}}
    return make_project(root, {"runner": "aws", "discovery": discovery})


def _variables(endpoint: str) -> dict[str, str]:
    return {**VARIABLES, "AWS_ENDPOINT_URL": endpoint, "AWS_MAX_ATTEMPTS": "1"}


def _refused(project: Path, endpoint: str, *told: str) -> bool:
    return refused(project, _variables(endpoint), SECRET, *told)


def test_no_machine_at_all_is_refused(tmp_path: Path, endpoint: str) -> None:
    assert _refused(_project(tmp_path), endpoint, "0 machines were found and 2 are expected: none")


def test_fewer_machines_than_expected_are_refused(tmp_path: Path, endpoint: str) -> None:
    describe(endpoint, REGION, "web-1", "10.1.0.11")
    describe(endpoint, "eu-west-1", "web-2", "10.1.0.12")

    assert _refused(_project(tmp_path), endpoint, "1 machines were found and 2 are expected: web-1", "expect.min")


def test_a_region_that_does_not_answer_is_refused_whatever_the_others_tell(tmp_path: Path, endpoint: str) -> None:
    for number in range(1, 4):
        describe(endpoint, REGION, f"web-{number}", f"10.1.0.1{number}")

    assert _refused(_project(tmp_path, REGION, "eu-nowhere-1"), endpoint, "machines.eu-nowhere-1.aws_ec2.yml: ")


def test_everything_that_is_wrong_with_machines_is_told_at_once(tmp_path: Path, endpoint: str) -> None:
    stopped = describe(endpoint, REGION, "web-1", "10.1.0.11")
    client(endpoint, REGION).stop_instances(InstanceIds=[stopped])
    twins = sorted(describe(endpoint, REGION, "web-2", f"10.1.0.1{number}") for number in (2, 3))
    named = describe(endpoint, REGION, "Web 4", "10.1.0.14")
    api = describe(endpoint, REGION, "api-1", "10.1.0.15", **{"nexus-capacity-memory": "much"})

    assert _refused(
        _project(tmp_path),
        endpoint,
        f"web-1 ({stopped}): is stopped, not running",
        f"the name web-2 belongs to {twins[0]} and {twins[1]}",
        f"Web 4 ({named}): not a name of lower-case letters",
        f"api-1 ({api}): a service, an instance or a group of the inventory has that name",
        'the tag nexus-capacity-memory is "much"',
    )


def test_the_inventory_is_the_same_every_time_and_keeps_nothing_of_the_vendor_s(tmp_path: Path, endpoint: str) -> None:
    project = _project(tmp_path)
    for number in range(1, 4):
        describe(endpoint, REGION, f"web-{number}", f"10.1.0.1{number}", **{"nexus-label-tier": "web"})

    first = host_variables(project, _variables(endpoint))

    assert first == host_variables(project, _variables(endpoint))
    assert set(first) == {"localhost", "web-1", "web-2", "web-3", "api-1", "api-2", "api-3"}
    assert sorted(first[f"api-{number}"]["nexus_machine"] for number in (1, 2, 3)) == ["web-1", "web-2", "web-3"]
    assert first["web-2"]["ansible_host"] == first["web-2"]["nexus_address"] == "10.1.0.12"
    assert first["web-2"]["nexus_instances"] == [
        name for name in ("api-1", "api-2", "api-3") if first[name]["nexus_machine"] == "web-2"
    ]
    assert not {"instance_id", "nexus_discovered", "tags"} & {key for host in first.values() for key in host}


def test_an_instance_that_was_not_placed_has_no_address(tmp_path: Path) -> None:
    project = _project(tmp_path)
    argv = ("ansible", "api-1", "-i", "inventories/production/hosts", "-m", "ansible.builtin.ping")

    done = ansible(project, {}, *argv)

    assert done.returncode != 0
    assert "the machines of production were not discovered" in done.stdout + done.stderr


def test_the_static_plan_needs_no_cloud(tmp_path: Path) -> None:
    project = _project(tmp_path)

    done = nexus(project, "plan", "production", "--static")

    assert done.returncode == 0, done.stderr
    assert "machines: discovered by each run" in done.stdout


def test_a_machine_cannot_be_a_limit_before_it_is_discovered(tmp_path: Path) -> None:
    done = nexus(_project(tmp_path), "plan", "production", "--static", "--limit", "web-1")

    assert said_plainly(done, 7, 'unknown host or group "web-1"', "Machines are discovered by each run")
