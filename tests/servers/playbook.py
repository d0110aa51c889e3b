# SPDX-License-Identifier: Apache-2.0
"""Runs tasks through a real `ansible-playbook` on localhost and hands back what each returned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_S = 300


@dataclass(frozen=True)
class TaskResult:
    """One task's result on one host; `outcome` is ok, failed, ignored or skipped."""

    task: str
    host: str
    outcome: str
    result: Mapping[str, Any]

    @property
    def changed(self) -> bool:
        """What the task says it changed."""
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        """The failure's message."""
        return str(self.result.get("msg", ""))


@dataclass(frozen=True)
class PlaybookRun:
    """How a run ended, with the results of its tasks in order."""

    returncode: int
    output: str
    results: Sequence[TaskResult]

    def named(self, task: str) -> TaskResult:
        """Return the only result of the task of that name."""
        found = [result for result in self.results if result.task == task]
        assert len(found) == 1, f"{len(found)} results of {task!r} in:\n{self.output}"
        return found[0]


def run_tasks(
    directory: Path,
    tasks: Sequence[Mapping[str, Any]],
    *options: str,
    variables: Mapping[str, Any] | None = None,
    hosts: Sequence[str] = ("localhost",),
) -> PlaybookRun:
    """Run `tasks` in one play on `hosts`, all of them this machine; `options` go to ansible-playbook (`--check`)."""
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {**interpreter, **(variables or {})},
        "tasks": [*tasks],
    }
    directory.mkdir(parents=True, exist_ok=True)
    playbook, results = directory / "playbook.yml", directory / "results.jsonl"
    playbook.write_text(json.dumps([play]), encoding="utf-8")
    results.unlink(missing_ok=True)
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    inventory = "".join(f"{host}," for host in hosts)
    done = subprocess.run(
        [program, "-i", inventory, "-c", "local", *options, str(playbook)],
        env=_environment(directory, results),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return PlaybookRun(done.returncode, done.stdout, _read(results))


def _environment(directory: Path, results: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "NEXUS_"))}
    return {
        **kept,
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback_plugins"),
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY),
        "ANSIBLE_CONFIG": str(_empty_configuration(directory)),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_REMOTE_TEMP": str(directory / "remote"),
        "NEXUS_TEST_RESULTS": str(results),
    }


def _empty_configuration(directory: Path) -> Path:
    configuration = directory / "ansible.cfg"
    configuration.write_text("", encoding="utf-8")
    return configuration


def _read(results: Path) -> list[TaskResult]:
    if not results.exists():
        return []
    return [TaskResult(**json.loads(line)) for line in results.read_text(encoding="utf-8").splitlines()]
