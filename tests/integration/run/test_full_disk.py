# SPDX-License-Identifier: Apache-2.0
"""When the record can no longer be written, the run stops, says so, and can be closed once there is room again."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path
from typing import Any

from nexus_ansible.ledger import read
from tests.projects import make_project, nexus

ROOM = 96 * 1024
TALK: list[dict[str, Any]] = [
    {"name": f"Talk {number}", "ansible.builtin.debug": {"msg": "word " * 1500}} for number in range(40)
]
REST: list[dict[str, Any]] = [{"name": "Rest", "ansible.builtin.debug": {"msg": "done"}}]


def limited(project: Path) -> subprocess.CompletedProcess[str]:
    """A run that can write files of at most 96 KB: to the ledger the same as a full disk."""
    return nexus(
        project, "run", "chores.daily", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, ROOM))
    )


def test_a_run_whose_ledger_is_full_stops_and_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {"first": TALK, "second": REST})
    assert nexus(project, "compile").returncode == 0
    done = limited(project)
    assert done.returncode == 9, done.stderr
    assert "can no longer be recorded" in done.stderr
    assert str(project / ".nexus" / "ledger") in done.stderr
    assert "second" not in done.stderr

    closed = nexus(project, "run", "chores.daily", "--step", "second")
    assert closed.returncode == 0, closed.stderr
    assert "had crashed; it is closed" in closed.stderr
    ends = [
        entry.record["outcome"] for entry in read(project / ".nexus" / "ledger") if entry.record["kind"] == "run_ended"
    ]
    assert ends == ["crashed", "ok"]
    assert nexus(project, "audit", "verify").returncode == 0
