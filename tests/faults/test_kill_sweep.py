# SPDX-License-Identifier: Apache-2.0
"""`kill -9` at many moments of a run, wherever they fall: nothing keeps running, nothing is lost, resume goes on."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexus_ansible.ledger.verdict import verify
from nexus_ansible.run.guard import marked_processes
from nexus_ansible.run.private import MEMORY
from tests.faults.command import ends, nexus, nothing_runs, records, said_plainly, started
from tests.projects import make_project
from tests.servers.waiting import wait_until

SEED = int(os.environ.get("NEXUS_TEST_SEED", random.SystemRandom().randrange(10**6)))
BATCHES = 4
MOMENTS = 10
AFTER = 0.25
pytestmark = pytest.mark.timeout(1800)

STEPS = ("first", "second", "third")
VICTIMS = ("the command", "guard", "ansible-playbook", "all of them")


def tasks(step: str) -> list[dict[str, Any]]:
    """Two files with a pause between them; the second begins a process that outlives whoever does not look after it."""
    out = "{{ playbook_dir }}/../out"
    command = f"setsid sleep 300 & sleep 0.2; echo {step} > .{step}; mv .{step} {step}-2"
    return [
        {
            "name": "Make a directory",
            "ansible.builtin.file": {"path": out, "state": "directory"},
        },
        {"name": "Write", "ansible.builtin.copy": {"content": step, "dest": f"{out}/{step}-1"}},
        {
            "name": "Linger\non two lines",
            "ansible.builtin.shell": {"cmd": command, "chdir": out, "creates": f"{step}-2"},
        },
    ]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three steps of three tasks, run once."""
    project = make_project(tmp_path_factory.mktemp("sweep") / "project", {step: tasks(step) for step in STEPS})
    assert nexus(project, "run", "chores.daily").returncode == 0
    return project


class Moments:
    """Moments in the life of a run: after a random time, or shortly after something shows on disk."""

    def __init__(self, project: Path, chance: random.Random, whole: float) -> None:
        self._project = project
        self._chance = chance
        self._whole = whole
        state = project / ".nexus"
        self._size = self._ledger_size()
        self._signs: list[tuple[str, Callable[[], bool]]] = [
            ("the run is known", lambda: any((state / "runs" / "open").glob("*"))),
            ("the ledger opens", lambda: any(MEMORY.glob("nexus-run-*/ledger"))),
            ("it is recorded", lambda: self._ledger_size() != self._size),
            ("the last task is done", (project / "out" / "third-2").exists),
            ("the last task is done", (project / "out" / "third-2").exists),
        ]

    def _ledger_size(self) -> bytes:
        return (self._project / ".nexus" / "ledger" / "checkpoint").read_bytes()

    def wait(self, ended: Callable[[], bool]) -> str:
        """Wait for a moment; returns its name."""
        if self._chance.random() < 0.6:
            delay = self._chance.uniform(0, self._whole)
            _poll(ended, delay)
            return f"after {delay:.2f} s"
        name, sign = self._chance.choice(self._signs)
        _poll(lambda: ended() or sign(), 60)
        delay = self._chance.uniform(0, AFTER)
        _poll(ended, delay)
        return f"{delay:.2f} s after {name}"


def _poll(condition: Callable[[], bool], limit: float) -> None:
    end = time.monotonic() + limit
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)


def kill(victim: str, command: int, run: str | None) -> None:
    """Kill what there is of the victim; the command itself when the victim has not begun or is gone."""
    marked = {pid: _words(pid) for pid in marked_processes(run)} if run else {}
    guards = [pid for pid, words in marked.items() if b"guard.py" in words]
    playbooks = [pid for pid, words in marked.items() if b"ansible-playbook" in words and pid not in guards]
    chosen = {"guard": guards, "ansible-playbook": playbooks, "all of them": [command, *guards, *playbooks]}
    for pid in chosen.get(victim) or [command]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def newest(project: Path, known: set[str]) -> str | None:
    """The run that was not there before, when it has got so far."""
    found = {path.parent.name for path in (project / ".nexus" / "runs").glob("*/state.json")} - known
    return found.pop() if found else None


def lost_tasks(project: Path, run: str) -> Counter[tuple[str, str]]:
    """Tasks that began, as the run noted them, less those with a record."""
    log = project / ".nexus" / "runs" / run / "tasks.log"
    begun = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    recorded = [record for record in records(project) if record["run"] == run and record["kind"] == "task"]
    return Counter((task["begins"], task["host"]) for task in begun) - Counter(
        (record["task"], record["host"]) for record in recorded
    )


def state_of(project: Path, run: str) -> str:
    state: str = json.loads((project / ".nexus" / "runs" / run / "state.json").read_text())["outcome"]
    return state


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_run_killed_at_any_moment_leaves_nothing_and_is_resumed(pattern: Path, tmp_path: Path, batch: int) -> None:
    print(f"NEXUS_TEST_SEED={SEED}")
    chance = random.Random(SEED * BATCHES + batch)
    project = Path(shutil.copytree(pattern, tmp_path / "project"))
    shutil.copytree(pattern.parent / "state", tmp_path / "state")
    whole = max(json.loads(path.read_text())["duration"] for path in pattern.glob(".nexus/runs/*/state.json")) * 1.3
    for _ in range(MOMENTS):
        strike(project, chance, whole)
    assert said_plainly(nexus(project, "audit", "verify"), 0)
    last = nexus(project, "run", "chores.daily", "--json")
    assert json.loads(last.stdout)["counts"]["changed"] == 0


def strike(project: Path, chance: random.Random, whole: float) -> None:
    """One run, killed at one moment, and everything that has to be true afterwards."""
    shutil.rmtree(project / "out")
    known = {path.parent.name for path in (project / ".nexus" / "runs").glob("*/state.json")}
    victim = chance.choice(VICTIMS)
    moments = Moments(project, chance, whole)
    with started(project, "run", "chores.daily") as process:
        moment = moments.wait(lambda: process.poll() is not None)
        kill(victim, process.pid, newest(project, known))
        code = process.wait(60)
    run = newest(project, known)
    case = f"{victim}, {moment}, code {code}, run {run}, seed {SEED}"
    print(case)
    if run is None:
        assert not (project / "out").exists(), case
        assert nexus(project, "run", "chores.daily").returncode == 0, case
        return
    if victim != "all of them":
        wait_until(lambda: nothing_runs(run), f"the end of every process: {case}", 20)
    done = nexus(project, "resume", run)
    assert nothing_runs(run), case
    assert list(MEMORY.glob(f"nexus-run-{run}-*")) == [], case
    outcome = state_of(project, run)
    assert ends(project, run) == [outcome], case
    assert lost_tasks(project, run) == Counter(), case
    if outcome == "ok":
        assert done.returncode == 7, (case, done.stderr)
        assert "is ok; there is nothing to go on with" in done.stderr, case
    else:
        assert outcome == "crashed", (case, done.stderr)
        assert done.returncode == 0, (case, done.stderr)
    written = {path.name: path.read_text().strip() for path in (project / "out").glob("[!.]*")}
    assert written == {f"{step}-{part}": step for step in STEPS for part in (1, 2)}, case
    witness = project.parent / "state" / "nexus-ansible" / "witness"
    assert verify(project / ".nexus" / "ledger", witness=witness).intact, case
