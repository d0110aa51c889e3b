# SPDX-License-Identifier: Apache-2.0
"""Each role converges, changes nothing the second time, does what it says, and leaves nothing."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from nexus_ansible.run.ansible import fast_strategy
from tests.servers.docker import running_engine
from tests.servers.images import CLUSTER, PYTHON, provide
from tests.servers.kubernetes import running_cluster
from tests.servers.playbook import REPOSITORY
from tests.servers.ports import free_range
from tests.servers.short_paths import short_directory

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1200)]

ROLES = sorted(path for path in (REPOSITORY / "roles").iterdir() if path.is_dir())
CONFIGURATION = REPOSITORY / ".config" / "molecule" / "config.yml"
SERVICES = 3
LIMIT_S = 900
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
STEP = re.compile(r"^INFO +default \W+ (\w+): Executed: (\w+)$", re.MULTILINE)
LEAST = ["prepare", "converge", "idempotence", "destroy"]
ALL = ["prepare", "check", "converge", "idempotence", "verify", "destroy"]
ASSERTED_WHILE_CONVERGING = {"backup", "monitoring"}


@contextlib.contextmanager
def surroundings(role: Path) -> Iterator[dict[str, str]]:
    """Variables that tell the scenario of what it needs besides this machine, for as long as that is there."""
    if role.name == "runner_docker":
        with running_engine() as engine:
            yield {"DOCKER_HOST": engine.host, "MOLECULE_IMAGE": provide(engine, PYTHON)}
    elif role.name == "runner_kubernetes":
        with running_cluster() as cluster:
            yield {"KUBECONFIG": str(cluster.kubeconfig), "MOLECULE_IMAGE": provide(cluster.engine, CLUSTER)}
    else:
        yield {}


def run_scenario(role: Path, directory: Path, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `molecule test` in the role; what it makes is below `directory`."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_", "NEXUS_"))
    }
    programs = Path(sys.executable).parent
    argv = [str(programs / "molecule"), "--base-config", str(CONFIGURATION), "test"]
    return subprocess.run(
        argv,
        cwd=role,
        env={
            **kept,
            **fast_strategy(),
            **variables,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_HOME": str(directory / "ansible"),
            "MOLECULE_EPHEMERAL_DIRECTORY": str(directory / "scenario"),
            "MOLECULE_PORT": str(free_range(SERVICES)[0]),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def _scenario(role: Path) -> object:
    """A role; the one that needs the cluster shares a worker with the other tests that do."""
    marks = [pytest.mark.xdist_group("cluster")] if role.name == "runner_kubernetes" else []
    return pytest.param(role, id=role.name, marks=marks)


@pytest.mark.parametrize("role", [_scenario(role) for role in ROLES])
def test_the_scenario_of_the_role_passes(role: Path) -> None:
    with short_directory() as directory, surroundings(role) as variables:
        done = run_scenario(role, directory, variables)
        output = COLOUR.sub("", done.stdout)
        assert done.returncode == 0, output[-8000:]
        expected = LEAST if role.name in ASSERTED_WHILE_CONVERGING else ALL
        assert STEP.findall(output) == [(step, "Successful") for step in expected], output[-8000:]
        assert not (directory / "scenario" / "project").exists()
