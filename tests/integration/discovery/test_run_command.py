# SPDX-License-Identifier: Apache-2.0
"""Machines that a cloud tells of are reached by its Run Command, and so are the instances that are placed on them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.discovery.project import ansible, make_project
from tests.servers import ec2
from tests.servers.azure_resource_manager import running_resource_manager
from tests.servers.docker import Container, container, running_engine
from tests.servers.images import RUN_COMMAND_MACHINE, provide
from tests.servers.run_command import aws, azure

pytestmark = pytest.mark.xdist_group("run-command")

NAME, ADDRESS = "web-1", "10.1.0.11"


@dataclass(frozen=True)
class Ground:
    """What an environment says of a cloud, and the variables by which that is reached."""

    production: dict[str, Any]
    variables: dict[str, str]


@contextlib.contextmanager
def _aws(machine: Container, directory: Path) -> Iterator[Ground]:
    with aws.start_aws(machine, directory) as cloud:
        cloud.instance = ec2.describe(f"http://127.0.0.1:{cloud.moto}", aws.REGION, NAME, ADDRESS)
        search = {"regions": [aws.REGION], "filters": ec2.FILTER, "store": {"bucket": aws.BUCKET}}
        yield Ground({"runner": "aws", "discovery": {**search, "connection": "run_command"}}, cloud.environment)


@contextlib.contextmanager
def _azure(machine: Container, directory: Path) -> Iterator[Ground]:
    with (
        running_resource_manager(directory) as manager,
        azure.start_azure(machine, manager.authority, directory) as cloud,
    ):
        manager.run_commands = cloud.manage
        manager.describe(NAME, ADDRESS, group=azure.GROUP)
        store = {"account_url": cloud.account_url, "container": azure.CONTAINER, "prefix": "shop/"}
        search = {"resource_groups": [azure.GROUP], "store": store}
        variables = {**manager.environment, **cloud.environment}
        yield Ground({"runner": "azure", "discovery": {**search, "connection": "run_command"}}, variables)


CLOUDS = {"aws": _aws, "azure": _azure}


@pytest.fixture(params=sorted(CLOUDS))
def ground(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ground]:
    with running_engine() as engine:
        image = provide(engine, RUN_COMMAND_MACHINE)
        name = f"nexus-discovered-{uuid.uuid4().hex[:8]}"
        with (
            container(engine, name, "--init", "--network", "host", image, "sleep", "infinity") as machine,
            CLOUDS[request.param](machine, tmp_path) as ground,
        ):
            yield ground


def test_machines_and_their_instances_are_reached(tmp_path: Path, ground: Ground) -> None:
    project = make_project(tmp_path, ground.production)

    command = ("-m", "ansible.builtin.command", "-a", "id -un")
    done = ansible(project, ground.variables, "ansible", "web-1:api-2", "-i", "inventories/production", *command)

    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(done.stdout.split("\n")[:-1]) == [
        *("api-2 | CHANGED | rc=0 >>", "root", "root", "web-1 | CHANGED | rc=0 >>")
    ]
