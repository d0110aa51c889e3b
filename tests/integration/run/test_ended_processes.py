# SPDX-License-Identifier: Apache-2.0
"""`kill -9` of any process of a run: nothing keeps running, the run is closed, the lock is free, and resume goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus_ansible.ledger import read
from nexus_ansible.run.guard import marked_processes
from nexus_ansible.run.private import MEMORY
from tests.projects import make_project, nexus
from tests.servers.waiting import wait_until

STEPS: dict[str, list[dict[str, Any]]] = {
    "first": [{"name": "Say", "ansible.builtin.debug": {"msg": "hello"}}],
    "second": [
        {
            "name": "Hang on the first try",
            "ansible.builtin.shell": {
                "cmd": "test -e marker && exit 0; touch marker; setsid sleep 600 & exec sleep 600",
                "chdir": "{{ playbook_dir }}/..",
            },
            "changed_when": False,
        }
    ],
    "third": [{"name": "Say", "ansible.builtin.debug": {"msg": "goodbye"}}],
}


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str], str]]:
    """A project with a run that hangs in its second step; the run's id."""
    project = make_project(tmp_path / "project", STEPS)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    process = subprocess.Popen(
        [sys.executable, "-m", "nexus_ansible", "run", "chores.daily"],
        cwd=project,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_until((project / "marker").exists, "the second step")
    run = next((project / ".nexus" / "runs" / "open").iterdir()).name
    yield project, process, run
    process.kill()
    process.communicate()


def processes(run: str) -> dict[str, int]:
    """Pids of the guard and of ansible-playbook itself (the guard's child)."""
    guard = next(pid for pid in marked_processes(run) if b"guard.py" in _file(pid, "cmdline"))
    ansible = next(pid for pid in marked_processes(run) if _parent(pid) == guard)
    return {"guard": guard, "ansible-playbook": ansible}


def _file(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    fields = _file(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def outcomes(project: Path, run: str) -> tuple[list[str], str]:
    """Tasks recorded as unknown, and the outcome of a run."""
    records = [entry.record for entry in read(project / ".nexus" / "ledger") if entry.record["run"] == run]
    unknown = [record["task"] for record in records if record.get("outcome") == "unknown"]
    return unknown, records[-1]["outcome"]


@pytest.mark.parametrize("victim", ["the command", "guard", "ansible-playbook"])
def test_a_killed_process_leaves_nothing_and_the_run_can_be_resumed(
    hanging: tuple[Path, subprocess.Popen[str], str], victim: str
) -> None:
    project, process, run = hanging
    os.kill(process.pid if victim == "the command" else processes(run)[victim], signal.SIGKILL)
    process.communicate(timeout=60)
    wait_until(lambda: not marked_processes(run), "the end of every process", 20)
    assert process.returncode == (-signal.SIGKILL if victim == "the command" else 6)

    resumed = nexus(project, "resume", run, "--json")
    assert resumed.returncode == 0, resumed.stderr
    result = json.loads(resumed.stdout)
    assert result["outcome"] == "ok"
    assert result["steps"] == ["second", "third"]
    assert outcomes(project, run) == (["chores : Hang on the first try"], "crashed")
    assert nexus(project, "audit", "verify").returncode == 0
    assert list(MEMORY.glob(f"nexus-run-{run}-*")) == []


@pytest.mark.parametrize(("number", "name"), [(signal.SIGINT, "SIGINT"), (signal.SIGTERM, "SIGTERM")])
def test_a_polite_signal_cancels_the_run(
    hanging: tuple[Path, subprocess.Popen[str], str], number: signal.Signals, name: str
) -> None:
    project, process, run = hanging
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 6
    assert f"cancelled by {name}" in output
    assert not marked_processes(run)
    assert outcomes(project, run) == (["chores : Hang on the first try"], "cancelled")


def test_a_second_run_is_refused_and_told_who_holds_the_lock(
    hanging: tuple[Path, subprocess.Popen[str], str],
) -> None:
    project, process, run = hanging
    refused = nexus(project, "run", "chores.daily")
    assert refused.returncode == 7
    assert f"lab is locked by run {run}, process {process.pid} on " in refused.stderr
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert nexus(project, "run", "chores.daily", "--step", "first").returncode == 0


def test_everything_killed_at_once_is_closed_by_the_next_command(
    hanging: tuple[Path, subprocess.Popen[str], str],
) -> None:
    project, process, run = hanging
    for pid in (process.pid, *processes(run).values()):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=60)
    after = nexus(project, "run", "chores.daily", "--step", "first")
    assert after.returncode == 0
    assert f"Run {run} had crashed; it is closed." in after.stderr
    assert not marked_processes(run)
    assert outcomes(project, run) == (["chores : Hang on the first try"], "crashed")


def test_a_workflow_that_reaches_its_time_limit_ends_with_its_own_code(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", STEPS, timeout="4s")
    done = nexus(project, "run", "chores.daily")
    assert done.returncode == 8, done.stderr
    run = json.loads(nexus(project, "audit", "log", "--json").stdout)[-1]["run"]
    assert not marked_processes(run)
    unknown_or_timeout = [entry.record.get("outcome") for entry in read(project / ".nexus" / "ledger")]
    assert unknown_or_timeout[-1] == "timeout"
