# SPDX-License-Identifier: Apache-2.0
"""What the registries scheduled and the ledger lacks: from the first record on, and not before it is late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nexus_ansible.ledger.completeness import scheduled_gaps
from nexus_ansible.model.platform import Retry, Workflow
from nexus_ansible.registries.problems import Position

from .samples import written

if TYPE_CHECKING:
    from pathlib import Path

HOURLY = Workflow(
    name="deployment",
    family="deployment",
    environment=None,
    description="",
    triggers=(),
    stages=(),
    timeout=None,
    task_timeout=300,
    retry=Retry("none", 0, 0),
    schedule="0 * * * *",
    interval=None,
    retention=None,
    position=Position("automation_registry.yaml", 5, 3),
)


def gaps_after(directory: Path, waited: timedelta) -> list[str]:
    written(directory, 9)
    return [str(gap) for gap in scheduled_gaps(directory, [HOURLY], None, datetime.now(UTC) + waited)]


def test_nothing_is_missing_before_anything_was_due(directory: Path) -> None:
    assert gaps_after(directory, timedelta(seconds=1)) == []


def test_runs_that_were_due_after_the_first_record_are_counted(directory: Path) -> None:
    (gap,) = gaps_after(directory, timedelta(hours=3, minutes=1))
    assert gap.startswith("automation_registry.yaml:5:3: deployment: 3 of 3 due runs are missing (")
