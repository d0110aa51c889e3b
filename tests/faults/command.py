# SPDX-License-Identifier: Apache-2.0
"""The installed command as a shell starts it, and the surroundings that a shell can give it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from nexus_ansible.ledger import read
from nexus_ansible.run.guard import marked_processes
from tests.projects import make_project

CLI = str(Path(sys.executable).with_name("nexus-ansible"))
LIMIT_S = 1_200


def environment(project: Path, **changes: str) -> dict[str, str]:
    """The environment of a shell of one's own; what it remembers lies beside the project."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "NEXUS_"))}
    return {**own, "XDG_STATE_HOME": str(project.parent / "state"), **changes}


def nexus(
    project: Path, *arguments: str, before: tuple[str, ...] = (), env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end. `before` is a command that starts it; `env` replaces the whole environment."""
    usual: dict[str, Any] = {"cwd": project, "stdin": subprocess.DEVNULL}
    usual |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(
        [*before, CLI, *arguments],
        env=environment(project) if env is None else env,
        text=True,
        timeout=LIMIT_S,
        check=False,
        **{**usual, **options},
    )


def shell(project: Path, line: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `nexus` stands for the command; a pipe ends with the code of its first failure."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.replace("nexus ", f"'{CLI}' ")],
        cwd=project,
        env=environment(project, **changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@contextmanager
def started(project: Path, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Start the command in a session of its own, and end it, where it still runs, with the block."""
    quiet = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    process = subprocess.Popen(
        ["env", "--default-signal=HUP", CLI, *arguments],  # the suite itself may have been started by nohup
        cwd=project,
        start_new_session=True,
        text=True,
        **{**quiet, "env": environment(project), **options},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def said_plainly(done: subprocess.CompletedProcess[str], code: int, *told: str) -> bool:
    """Assert on exit code and message: every text told, on standard error alone, and no fault of the program."""
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    for text in told:
        assert text in done.stderr, (text, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
    assert "unexpected" not in done.stderr, done.stderr
    return True


def small_project(root: Path, **workflow: Any) -> Path:
    """A project whose workflow `chores.daily` says something in each of two steps."""
    steps = ("first", "second")
    tasks = {step: [{"name": f"Say {step}", "ansible.builtin.debug": {"msg": step}}] for step in steps}
    return make_project(root, tasks, **workflow)


def edit(project: Path, registry: str, change: Any) -> None:
    """Change a registry in place; `change` gets its data."""
    path = project / "config" / "ssot" / f"{registry}_registry.yaml"
    data = yaml.safe_load(path.read_text("utf-8"))
    change(data)
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")


def records(project: Path) -> list[dict[str, Any]]:
    """Every record of a project's ledger, none where there is no ledger yet."""
    ledger = project / ".nexus" / "ledger"
    return [entry.record for entry in read(ledger)] if ledger.exists() else []


def ends(project: Path, run: str | None = None) -> list[str]:
    """The outcomes in the closing records, in order: of one run, or of all."""
    return [
        record["outcome"]
        for record in records(project)
        if record["kind"] == "run_ended" and run in {None, record["run"]}
    ]


def tree(root: Path) -> dict[str, bytes]:
    """Every file below a directory with what it holds."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def nothing_runs(run: str) -> bool:
    """Whether no process carries the run's marker."""
    return not marked_processes(run)
