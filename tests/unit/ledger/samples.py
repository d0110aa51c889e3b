# SPDX-License-Identifier: Apache-2.0
"""Records as the callback plugin writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_ansible.ledger import Ledger, Record, Verification

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 600


def task(number: int, run: str = "run-1", **fields: object) -> Record:
    return Record(
        "task",
        run,
        {
            "env": "production",
            "workflow": "deployment",
            "service": "backend",
            "task": f"Deploy | Step {number}",
            "host": f"backend-{number % 3 + 1}",
            "outcome": "ok",
            "changed": number % 2 == 0,
            **fields,
        },
        {"message": f"done {number}"},
    )


def started(run: str = "run-1", actor: str = "alice", **fields: object) -> Record:
    fields = {"env": "production", "workflow": "deployment", **fields}
    return Record("run_started", run, fields, {"actor": actor, "reason": "release 1.2"})


def ended(run: str = "run-1", outcome: str = "ok", **fields: object) -> Record:
    return Record("run_ended", run, {"env": "production", "workflow": "deployment", "outcome": outcome, **fields})


def written(directory: Path, count: int, group: int = 7, run: str = "run-1") -> Ledger:
    """Return an open ledger with one run of `count` records, committed `group` at a time."""
    ledger = Ledger.open(directory)
    records = [started(run), *(task(number, run) for number in range(count - 2)), ended(run)][:count]
    for at in range(0, count, group):
        ledger.append(records[at : at + group])
    return ledger


def whats(verification: Verification) -> str:
    return "\n".join(problem.what for problem in verification.problems)
