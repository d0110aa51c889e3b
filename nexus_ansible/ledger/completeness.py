# SPDX-License-Identifier: Apache-2.0
"""Did everything run that the registries scheduled? An intact ledger can still lack what never happened."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from nexus_ansible.ledger.reading import read
from nexus_ansible.model.platform import Workflow

MAX_FIRINGS = 100_000
LATE = timedelta(seconds=60)


@dataclass(frozen=True)
class Gap:
    """Due runs of one workflow that are not in the ledger. `position` is the registry line that schedules them."""

    workflow: str
    position: str
    due: int
    missing: int
    first: datetime
    last: datetime

    def __str__(self) -> str:
        when = f"{self.first:%Y-%m-%d %H:%M}" + (f" to {self.last:%Y-%m-%d %H:%M}" if self.missing > 1 else "")
        return f"{self.position}: {self.workflow}: {self.missing} of {self.due} due runs are missing ({when} UTC)"


def scheduled_gaps(directory: Path, workflows: Iterable[Workflow], since: datetime | None, now: datetime) -> list[Gap]:
    """Due runs that are missing between `since` (default: the ledger's first record) and `now`.

    A cron schedule is kept when a run started between a due time and the next; an interval is kept when no two starts
    are further apart than it, give or take a minute.
    """
    starts: dict[str, list[datetime]] = {}
    first: datetime | None = None
    for entry in read(directory):
        moment = datetime.fromisoformat(str(entry.record["time"]))
        first = first or moment
        if entry.record.get("kind") == "run_started" and entry.record.get("workflow") and not entry.record.get("check"):
            starts.setdefault(str(entry.record["workflow"]), []).append(moment)
    begin = max(filter(None, (since, first)), default=None)
    if begin is None:
        return []
    return [gap for workflow in workflows for gap in _gaps(workflow, starts.get(workflow.name, []), begin, now)]


def _gaps(workflow: Workflow, starts: Sequence[datetime], since: datetime, now: datetime) -> Iterator[Gap]:
    if workflow.schedule:
        due = list(_firings(workflow.schedule, since, now))
        missed = [begin for begin, end in pairwise((*due, now)) if not _any_between(starts, begin, end)]
    elif workflow.interval:
        due, missed = _deadlines(timedelta(seconds=workflow.interval), starts, since, now)
    else:
        return
    if missed:
        yield Gap(workflow.name, str(workflow.position), len(due), len(missed), missed[0], missed[-1])


def _firings(schedule: str, since: datetime, now: datetime) -> Iterator[datetime]:
    from cronsim import CronSim

    for number, moment in enumerate(CronSim(schedule, since.astimezone(UTC))):
        if moment > now - LATE or number >= MAX_FIRINGS:
            return
        yield moment


def _deadlines(
    interval: timedelta, starts: Sequence[datetime], since: datetime, now: datetime
) -> tuple[list[datetime], list[datetime]]:
    """(deadlines, missed ones): a start is due an interval after the one before, or after a missed deadline."""
    due: list[datetime] = []
    missed: list[datetime] = []
    moment = since
    while len(due) < MAX_FIRINGS and moment + interval <= now - LATE:
        due.append(moment + interval)
        index = bisect_right(starts, moment)
        if index < len(starts) and starts[index] <= due[-1] + LATE:
            moment = starts[index]
        else:
            missed.append(due[-1])
            moment = due[-1]
    return due, missed


def _any_between(starts: Sequence[datetime], begin: datetime, end: datetime) -> bool:
    index = bisect_left(starts, begin)
    return index < len(starts) and starts[index] <= end
