# SPDX-License-Identifier: Apache-2.0
"""What is kept of a run beside the ledger: enough to show it, to resume it, and to see that its process is gone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from nexus_ansible.compile.write import write_file
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import Project, refusing
from nexus_ansible.registries.closest import closest

RUNNING = "running"


@dataclass(frozen=True)
class RunState:
    """One run. Times are RFC 3339; durations in seconds. `process` is (pid, start time in clock ticks since boot).

    `recorded` tells whether the ledger knows the run: policies can leave out those that only look.
    """

    run: str
    workflow: str
    environment: str
    playbook: str
    started: str
    process: tuple[int, int]
    actor: str = ""
    reason: str = ""
    plan: str = ""
    limit: str = ""
    steps: tuple[str, ...] = ()
    check: bool = False
    recorded: bool = True
    outcome: str = RUNNING
    ended: str = ""
    duration: float = 0.0
    failed_step: str = ""
    message: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    step_seconds: dict[str, float] = field(default_factory=dict)


def new_run_id(now: datetime) -> str:
    """A run's id: sortable by time, unique by chance: `20250127-123000-4f2a9c`."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def now_utc() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def this_process() -> tuple[int, int]:
    """Identity of the calling process: a pid alone could be somebody else's later."""
    return os.getpid(), _start_time(os.getpid()) or 0


def is_alive(process: tuple[int, int]) -> bool:
    """Whether a process with this identity still runs."""
    return _start_time(process[0]) == process[1]


def _start_time(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] == b"Z" else int(fields[19])


class RunStore:
    """The runs of a project: `.nexus/runs/RUN/state.json`, and a marker in `.nexus/runs/open/` while one is open."""

    def __init__(self, project: Project) -> None:
        self._directory = project.runs

    def directory(self, run: str) -> Path:
        """Directory of one run."""
        return self._directory / run

    def begin(self, state: RunState) -> None:
        """Remember that a run has begun. Raises RefusedError."""
        with refusing(self._directory):
            self._mark(state.run).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.directory(state.run).mkdir(mode=0o700)
            self._mark(state.run).touch(mode=0o600)
            self.save(state)

    def save(self, state: RunState) -> None:
        """Remember a state."""
        write_file(
            self.directory(state.run) / "state.json", json.dumps(asdict(state), indent=1, sort_keys=True) + "\n", 0o600
        )

    def end(self, state: RunState) -> None:
        """Remember that a run has ended, and how long its steps took when it ended well.

        Where that cannot be written, the run stays open here, and is closed later as the ledger says that it ended.
        """
        with suppress(OSError):
            self.save(state)
            if state.outcome == "ok" and not state.check and not state.steps and not state.limit:
                write_file(self._last(state.workflow, state.environment), json.dumps(asdict(state)) + "\n", 0o600)
            self._mark(state.run).unlink(missing_ok=True)

    def load(self, run: str) -> RunState:
        """A run by its id, or by the beginning of it. Raises RefusedError when there is none, or more than one."""
        with refusing(self._directory):
            known = [path.parent.name for path in self._directory.glob("*/state.json")]
        found = [run] if run in known else [name for name in known if run and name.startswith(run)]
        if len(found) != 1:
            latest = ", ".join(state.run for state in self.latest(5)) or "none"
            close = closest(run, known)
            meant = f' Did you mean "{close}"?' if close and not found else ""
            what = f'no run "{run}"' if not found else f'"{run}" is the beginning of {len(found)} runs'
            raise RefusedError(f"{what}.\n  Latest runs: {latest}. `nexus-ansible audit log` lists all.{meant}")
        path = self._directory / found[0] / "state.json"
        state = _read(path)
        if state is None:
            raise RefusedError(f"{path}: damaged.\n  `nexus-ansible audit log --run {found[0]}` tells what is known.")
        return state

    def open_runs(self) -> Iterator[RunState]:
        """Runs that have not been closed."""
        for mark in sorted((self._directory / "open").glob("*")):
            if (state := _read(self.directory(mark.name) / "state.json")) is not None:
                yield state

    def latest(self, count: int) -> list[RunState]:
        """The latest runs, newest first."""
        states = map(_read, sorted(self._directory.glob("*/state.json"), reverse=True))
        return list(islice((state for state in states if state is not None), count))

    def last_success(self, workflow: str, environment: str) -> RunState | None:
        """The last whole run of a workflow that ended well."""
        return _read(self._last(workflow, environment))

    def _mark(self, run: str) -> Path:
        return self._directory / "open" / run

    def _last(self, workflow: str, environment: str) -> Path:
        return self._directory / "last" / f"{workflow}@{environment}.json"


def _read(path: Path) -> RunState | None:
    """A state on disk; None when there is none, or a machine that lost its power left only a part of it."""
    try:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return replace(RunState(**data), process=tuple(data["process"]), steps=tuple(data["steps"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
