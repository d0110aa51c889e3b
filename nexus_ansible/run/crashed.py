# SPDX-License-Identifier: Apache-2.0
"""Close the runs whose supervisor did not live to close them."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.project import Project, refusing
from nexus_ansible.run.guard import end_processes
from nexus_ansible.run.lock import closing
from nexus_ansible.run.private import remove_private_directories
from nexus_ansible.run.state import RunState, RunStore, is_alive, now_utc, timestamp

if TYPE_CHECKING:
    from nexus_ansible.ledger.records import Record

MESSAGE = "the process that supervised the run is gone"


class Lost(NamedTuple):
    """A task that began on a host, and whose result nobody recorded."""

    name: str
    host: str
    step: str


def close_crashed(project: Project) -> list[RunState]:
    """End what is left of dead runs and record their end: tasks in flight as `unknown`, the run as `crashed`.

    A run whose end is recorded already, because its process died between that and its own last file, ended as the
    ledger says. Returns the runs that crashed. Raises RefusedError, LedgerIntegrityError.
    """
    store = RunStore(project)
    with refusing(project.state):
        if not _dead(store):
            return []
    from nexus_ansible.ledger.ledger import Ledger  # most commands find nothing to close

    closed = []
    with closing(project), Ledger.open(project.ledger) as ledger:
        for state in _dead(store):
            end_processes(state.run)
            remove_private_directories(state.run)
            known = _records(project, state.run) if state.recorded else []
            ended = next((record for record in known if record["kind"] == "run_ended"), None)
            if ended is not None:
                store.end(replace(state, outcome=ended["outcome"], ended=ended["time"]))
                continue
            lost = _in_flight(store, state.run, known)
            if state.recorded:
                ledger.append(_closing_records(state, lost))
            step = next((task.step for task in lost if task.step), "")
            now = timestamp(now_utc())
            closed.append(replace(state, outcome="crashed", ended=now, message=MESSAGE, failed_step=step))
            store.end(closed[-1])
    return closed


def _dead(store: RunStore) -> list[RunState]:
    return [state for state in store.open_runs() if not is_alive(state.process)]


def _records(project: Project, run: str) -> list[dict[str, Any]]:
    """What the ledger holds of a run; nothing where it is damaged, which `audit verify` tells, not who closes a run."""
    from nexus_ansible.ledger.reading import read

    try:
        return [entry.record for entry in read(project.ledger) if entry.record["run"] == run]
    except LedgerIntegrityError:
        return []


def _closing_records(state: RunState, lost: list[Lost]) -> list[Record]:
    from nexus_ansible.ledger.records import Record

    fields = {"env": state.environment, "workflow": state.workflow, "plan": state.plan or None}
    unknown = {**fields, "outcome": "unknown", "changed": None}
    tasks = [
        Record("task", state.run, {**unknown, "task": task.name, "host": task.host, "step": task.step or None})
        for task in lost
    ]
    end = Record("run_ended", state.run, {**fields, "outcome": "crashed"}, {"message": MESSAGE})
    return [*tasks, end]


def _in_flight(store: RunStore, run: str, known: list[dict[str, Any]]) -> list[Lost]:
    """Everything that began and of which the ledger holds no result. A line that was cut off is left out."""
    recorded = Counter((record["task"], record["host"]) for record in known if record["kind"] == "task")
    lost = []
    try:
        lines = (store.directory(run) / "tasks.log").read_bytes().splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        with suppress(ValueError):
            data = json.loads(line)
            task = Lost(data["begins"], data["host"], data["step"])
            recorded[task.name, task.host] -= 1
            if recorded[task.name, task.host] < 0:
                lost.append(task)
    return lost
