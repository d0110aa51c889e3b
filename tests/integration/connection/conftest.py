# SPDX-License-Identifier: Apache-2.0
"""The clouds, each with one machine; or a machine of a user's own account."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.connection.ground import Ground
from tests.servers.docker import Container, container, running_engine
from tests.servers.images import RUN_COMMAND_MACHINE, provide
from tests.servers.run_command.aws import start_aws
from tests.servers.run_command.azure import start_azure
from tests.servers.tls import make_authority

OWN = "NEXUS_TEST_RUN_COMMAND"  # variables of the inventory, as JSON: the tests then run on that machine
CLOUDS = ("aws", "azure")


@contextlib.contextmanager
def _machine() -> Iterator[Container]:
    with running_engine() as engine:
        image = provide(engine, RUN_COMMAND_MACHINE)
        name = f"nexus-run-command-{uuid.uuid4().hex[:8]}"
        with container(engine, name, "--init", "--network", "host", image, "sleep", "infinity") as machine:
            yield machine


def _clouds() -> list[str]:
    given = json.loads(os.environ.get(OWN, "{}"))
    plugin = str(given.get("ansible_connection", ""))
    return [name for name in CLOUDS if not plugin or f"{name}_run_command" in plugin]


@pytest.fixture(
    scope="session", params=[pytest.param(name, marks=pytest.mark.xdist_group("run-command")) for name in _clouds()]
)
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A machine of each cloud in turn."""
    directory: Path = tmp_path_factory.mktemp(request.param)
    if OWN in os.environ:
        yield Ground(json.loads(os.environ[OWN]), {})
        return
    with contextlib.ExitStack() as stack:
        machine = stack.enter_context(_machine())
        if request.param == "aws":
            aws = stack.enter_context(start_aws(machine, directory))
            yield Ground(aws.variables, aws.environment, machine, aws)
        else:
            azure = stack.enter_context(start_azure(machine, make_authority(directory), directory))
            yield Ground(azure.variables, azure.environment, machine, azure)
