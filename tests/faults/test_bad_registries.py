# SPDX-License-Identifier: Apache-2.0
"""A registry that cannot be used is told alike by every command that reads it, and nothing is written or run."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tests.faults.command import nexus, said_plainly, tree
from tests.projects import write_yaml

FILE = "orchestration_registry.yaml"
SERVICES = 5_000
UNKNOWN = 1_000
CPU_S = 60
COMMANDS = (
    "validate",
    "compile",
    "compile --check",
    "plan lab",
    "apply lab --yes",
    "run chores.daily",
    "resume 2",
    "status",
    "down lab --yes",
    "explain orchestration.services --env lab",
    "graph lab",
    "audit erase --expired --reason x --yes",
)
BAD: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "binary": bytes(range(256)) * 8,
    "ten megabytes": b"orchestration:\n  services: {" + b"a" * (10 << 20) + b"}\n",
    "a tab": b"orchestration:\n\tservices: {}\n",
    "a list": b"- orchestration\n",
}


def spoil(project: Path, content: bytes | None) -> None:
    path = project / "config" / "ssot" / FILE
    path.unlink()
    if content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_tells_what_is_wrong_and_does_nothing(project: Path, command: str) -> None:
    for content in (None, bytes(range(256))):
        (project / "config" / "ssot" / FILE).touch()
        spoil(project, content)
        before = tree(project)
        done = nexus(project, *command.split())
        assert said_plainly(done, 4, f"config/ssot/{FILE}")
        assert done.stdout == ""
        assert tree(project) == before


@pytest.mark.parametrize("kind", BAD)
def test_every_kind_of_bad_file_is_told_with_its_place(project: Path, kind: str) -> None:
    spoil(project, BAD[kind])
    before = tree(project)
    for command in ("validate", "run chores.daily", "explain orchestration.services"):
        done = nexus(project, *command.split())
        assert said_plainly(done, 4, f"config/ssot/{FILE}")
        assert len(done.stderr) < 2_000
    assert tree(project) == before


def test_a_thousand_wrong_names_among_five_thousand_are_told_in_time(project: Path) -> None:
    services = {f"service-{number}": {"capability": "web", "command": ["true"]} for number in range(SERVICES)}
    for number in range(UNKNOWN):
        services[f"service-{number}"]["dependencies"] = [f"servce-{number + UNKNOWN}"]
    registry = {"services": services, "environments": {"lab": {"runner": "local", "port_range": "20000-32000"}}}
    write_yaml(project / "config" / "ssot" / FILE, {"orchestration": registry})

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))

    done = nexus(project, "validate", preexec_fn=limit)
    assert done.returncode == 4, done.stderr[-2000:]
    meant = [line for line in done.stderr.splitlines() if "Did you mean" in line]
    assert len(meant) == UNKNOWN
    assert sum(f'Did you mean "service-{number + UNKNOWN}"?' in meant[number] for number in range(UNKNOWN)) > 900
