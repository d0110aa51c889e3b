# SPDX-License-Identifier: Apache-2.0
"""Close the runs whose supervisor did not live to close them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nexus_ansible.project import Project
from nexus_ansible.run.guard import end_processes
from nexus_ansible.run.private import remove_private_directories
from nexus_ansible.run.state import RunState, RunStore, is_alive, now_utc, timestamp

if TYPE_CHECKING:
    from nexus_ansible.ledger.records import Record

MESSAGE = "the process that supervised the run is gone"


def close_crashed(project: Project) -> list[RunState]:
    """End what is left of dead runs and record their end: tasks in flight as `unknown`, the run as `crashed`.

    Returns the runs closed. Raises LedgerIntegrityError.
    """
    store = RunStore(project)
    dead = [state for state in store.open_runs() if not is_alive(state.process)]
    if not dead:
        return []
    from nexus_ansible.ledger.ledger import Ledger  # most commands find nothing to close

    closed = []
    with Ledger.open(project.ledger) as ledger:
        for state in dead:
            end_processes(state.run)
            remove_private_directories(state.run)
            ledger.append(_closing_records(store, state))
            closed.append(replace(state, outcome="crashed", ended=timestamp(now_utc()), message=MESSAGE))
            store.end(closed[-1])
    return closed


def _closing_records(store: RunStore, state: RunState) -> list[Record]:
    from nexus_ansible.ledger.records import Record

    fields = {"env": state.environment, "workflow": state.workflow, "plan": state.plan or None}
    tasks = [
        Record("task", state.run, {**fields, "task": task, "host": host, "outcome": "unknown", "changed": None})
        for task, host in _in_flight(store, state.run)
    ]
    end = Record("run_ended", state.run, {**fields, "outcome": "crashed"}, {"message": MESSAGE})
    return [*tasks, end]


def _in_flight(store: RunStore, run: str) -> list[tuple[str, str]]:
    """(task, host) of everything that began and whose result is not in the ledger."""
    path = store.directory(run) / "tasks.log"
    open_tasks: dict[tuple[str, str], tuple[str, str]] = {}
    if not path.exists():
        return []
    for line in path.read_text("utf-8").splitlines():
        sign, uuid, host, *name = line.split("\t")
        if sign == "+":
            open_tasks[uuid, host] = (name[0] if name else uuid, host)
        else:
            open_tasks.pop((uuid, host), None)
    return list(open_tasks.values())
