# SPDX-License-Identifier: Apache-2.0
"""A run is the same whatever reads it, wherever it lies, and whatever the shell says of language and home."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from nexus_ansible.ledger import payload
from tests.faults.command import (
    CLI,
    edit,
    ends,
    environment,
    nexus,
    nothing_runs,
    records,
    said_plainly,
    shell,
    started,
)
from tests.servers.waiting import wait_until

RUN = "nexus run chores.daily"
SLOW = [
    {
        "name": "Wait",
        "ansible.builtin.shell": {"cmd": "touch marker; sleep 2; touch over", "chdir": "{{ playbook_dir }}/.."},
        "changed_when": False,
    }
]


def slow(project: Path) -> Path:
    """Have the first step take two seconds, from the file `marker` to the file `over`."""
    (project / "roles" / "chores" / "tasks" / "first.yml").write_text(json.dumps(SLOW))
    return project


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        ("2>&1 | head -1", 1),
        ("2>&1 | true", 1),
        ("2>/dev/full", 0),
        (">/dev/full", 1),
        ("--json >/dev/full", 1),
        ("<&-", 0),
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
    ],
)
def test_a_run_ends_well_whoever_reads_it(project: Path, redirection: str, code: int) -> None:
    done = shell(project, f"{RUN} {redirection}")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    if ">/dev/full" in redirection and not redirection.startswith("2"):
        assert "standard output: No space left on device. The command did its work" in done.stderr
    assert ends(project) == ["ok"]
    assert list((project / ".nexus" / "runs" / "open").iterdir()) == []
    assert not list((project / ".nexus").glob("*error*"))


def test_a_failed_run_keeps_its_code_when_nobody_reads_it(project: Path) -> None:
    (project / "roles" / "chores" / "tasks" / "first.yml").write_text('[{"ansible.builtin.fail": {"msg": "no"}}]')
    for redirection in ("--json >/dev/full", ">/dev/full 2>&1", "<&- >&- 2>&-"):
        assert shell(project, f"{RUN} {redirection}").returncode == 6
    assert ends(project) == ["failed"] * 3


@pytest.mark.parametrize("command", ["audit log", "audit export", "graph lab", "explain automation", "status --runs 1"])
def test_results_that_nobody_takes_are_told_by_the_exit_code(used: Path, command: str) -> None:
    assert said_plainly(shell(used, f"nexus {command} >/dev/full"), 1, "standard output: No space left on device.")
    closed = shell(used, f"nexus {command} | true")
    assert closed.returncode in {0, 1}
    assert closed.stderr == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"TERM": "dumb"},
        {"HOME": "/proc/nowhere"},
        {"HOME": ""},
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "xx_YY.UTF-8"},
        {"LANG": "de_DE.ISO-8859-1"},
        {"PYTHONUNBUFFERED": "1", "COLUMNS": "1"},
    ],
)
def test_language_terminal_and_home_change_nothing(project: Path, changes: dict[str, str]) -> None:
    message = "Größe: 5 µm, 日本語"
    (project / "roles" / "chores" / "tasks" / "first.yml").write_text(
        json.dumps([{"name": message, "ansible.builtin.debug": {"msg": message}}]), encoding="utf-8"
    )
    edit(
        project,
        "automation",
        lambda data: data["automation"]["workflows"]["chores"]["daily"].update(description=message),
    )
    env = {name: value for name, value in environment(project).items() if not name.startswith(("LC_", "LANG"))}
    if "HOME" in changes:
        del env["XDG_STATE_HOME"]  # the witness has no place at all then
    done = nexus(project, "run", "chores.daily", "--reason", "für alle", env={**env, **changes})
    assert said_plainly(done, 0)
    assert f"chores : {message}" in {record.get("task") for record in records(project)}
    reason = payload(project / ".nexus" / "ledger", 0)["reason"]  # type: ignore[index]
    assert reason in {"für alle", "f??r alle"}
    assert nexus(project, "audit", "verify").returncode == 0


def test_no_home_at_all_changes_nothing(project: Path) -> None:
    env = {name: value for name, value in environment(project).items() if name not in {"HOME", "XDG_STATE_HOME"}}
    assert said_plainly(nexus(project, "run", "chores.daily", env=env), 0)


@pytest.mark.parametrize("name", ['it\'s a "50% off" $place ü', "a,b: c;d & e", "-n", " x ", "{ x } # y"])
def test_a_project_may_lie_in_a_directory_of_any_name(compiled: Path, tmp_path: Path, name: str) -> None:
    project = Path(shutil.copytree(compiled, tmp_path / name))
    assert said_plainly(shell(project, RUN), 0)
    assert ends(project) == ["ok"]
    assert said_plainly(nexus(tmp_path, "status", "--project", f"./{name}"), 0)
    assert said_plainly(nexus(project, "audit", "verify"), 0)


def test_a_terminal_that_hangs_up_cancels_the_run(project: Path) -> None:
    with started(slow(project), "run", "chores.daily") as process:
        wait_until((project / "marker").exists, "the task", 60)
        run = next((project / ".nexus" / "runs" / "open").iterdir()).name
        os.killpg(process.pid, signal.SIGHUP)
        assert process.wait(60) == 6
    assert nothing_runs(run)
    assert not (project / "over").exists()
    assert ends(project) == ["cancelled"]


def test_nohup_outlives_its_terminal(project: Path) -> None:
    process = subprocess.Popen(
        ["nohup", CLI, "run", "chores.daily"],
        cwd=slow(project),
        env=environment(project),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until((project / "marker").exists, "the task", 60)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(60) == 0
    assert (project / "over").exists()
    assert ends(project) == ["ok"]


def test_a_run_cancelled_before_ansible_starts_touches_nothing(project: Path) -> None:
    with started(slow(project), "run", "chores.daily") as process:
        mark = project / ".nexus" / "runs" / "open"
        wait_until(lambda: mark.exists() and list(mark.iterdir()), "the run", 60)
        wait_until(lambda: _handles(process.pid, signal.SIGTERM), "the handler", 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in {6, -signal.SIGTERM}
    assert not (project / "over").exists()
    assert ends(project) in (["cancelled"], [])


def _handles(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status")
    caught = next((line for line in status.read_text().splitlines() if line.startswith("SigCgt")), "0 0").split()[1]
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_of_two_runs_at_the_same_instant_one_wins_and_the_other_names_it(project: Path) -> None:
    slow(project)
    pipe = {"stderr": subprocess.PIPE}
    with started(project, "run", "chores.daily", **pipe) as one, started(project, "run", "chores.daily", **pipe) as two:
        told = [process.communicate(timeout=120)[1] for process in (one, two)]
    assert sorted([one.returncode, two.returncode]) == [0, 7]
    winner, loser = (one, 1) if one.returncode == 0 else (two, 0)
    assert f"lab is locked by run {records(project)[0]['run']}, process {winner.pid} on " in told[loser]
    assert ends(project) == ["ok"]


def test_two_environments_run_side_by_side(project: Path) -> None:
    def two(data: dict[str, dict[str, dict[str, object]]]) -> None:
        data["orchestration"]["environments"]["field"] = {"runner": "local"}

    edit(project, "orchestration", two)
    edit(project, "automation", lambda data: data["automation"]["workflows"]["chores"]["daily"].pop("environment"))
    slow(project)
    assert nexus(project, "compile").returncode == 0
    arguments = ("run", "chores.daily", "--env")
    with started(project, *arguments, "lab") as lab, started(project, *arguments, "field") as field:
        assert (lab.wait(120), field.wait(120)) == (0, 0)
    assert {record["env"] for record in records(project)} == {"lab", "field"}
    assert ends(project) == ["ok", "ok"]
    assert nexus(project, "audit", "verify").returncode == 0
