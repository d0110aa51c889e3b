# SPDX-License-Identifier: Apache-2.0
"""What the records of an intact log must agree on among themselves: form, numbers, clocks, runs, forged events."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from nexus_ansible.ledger.ranges import IndexRanges
from nexus_ansible.ledger.records import ACKNOWLEDGED, ERASED, RUN_ENDED, RUN_STARTED, VERSION
from nexus_ansible.ledger.verification import LedgerProblem, describe

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOCK_TOLERANCE = 2.0
"""Seconds that wall clock and boot clock may disagree between two records of one boot."""

CLOCK_JITTER = 0.01
"""Seconds by which the order of two records of two writers may differ on the two clocks."""

_REWRITTEN = "Restore the ledger from a backup and find out who can write its files."
_STEP = (
    "If the clock was corrected on purpose, record that with `nexus-ansible audit acknowledge`; "
    "otherwise somebody moved the clock to date records falsely."
)
_FORGED = "A module printed text that looks like an event of ansible-runner: look at the task's module."
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_TEXT = (str,)
_FORM = {
    "v": (int,),
    "kind": _TEXT,
    "run": (str, type(None)),
    "time": _TEXT,
    "boot": _TEXT,
    "monotonic": (float,),
    "payload": (str, type(None)),
}


class RecordChecks:
    """Takes every record in turn and collects what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[LedgerProblem] = []
        self.clock_steps: dict[str, LedgerProblem] = {}  # by index as text: an acknowledging field can be anything
        self.accepted: list[LedgerProblem] = []
        self.erased: list[IndexRanges] = []
        self.open_runs: dict[str, None] = {}
        self.last_time: str | None = None
        self._next_number: dict[str, int] = {}
        self._gap = False
        self._last_clock: tuple[str, float, float] | None = None

    def check(self, index: int, leaf: bytes) -> Mapping[str, Any] | None:
        """Check the next record and return it, None if it is none."""
        record = self._parse(index, leaf)
        if record is None:
            return None
        self._check_number(index, record)
        self._check_clock(index, record)
        self._follow(index, record)
        discrepancies = record.get("discrepancies")
        for text in discrepancies if isinstance(discrepancies, list) else ():
            self._add(index, record, f"forged runner event in {describe(index, record)}: {text}", _FORGED)
        return record

    def skip(self) -> None:
        """Go on after records that cannot be trusted: whatever number and time comes next is taken."""
        self._gap = True
        self._next_number.clear()
        self._last_clock = None

    def _parse(self, index: int, leaf: bytes) -> dict[str, Any] | None:
        try:
            record = orjson.loads(leaf)
        except orjson.JSONDecodeError:
            record = None
        if not isinstance(record, dict) or any(type(record.get(name)) not in kinds for name, kinds in _FORM.items()):
            self._add(index, None, f"record {index} is not in the form of a record", _REWRITTEN)
            return None
        if record["v"] != VERSION or orjson.dumps(record, option=orjson.OPT_SORT_KEYS) != leaf:
            self._add(
                index, record, f"{describe(index, record)} is not canonical JSON of version {VERSION}", _REWRITTEN
            )
        return record

    def _check_number(self, index: int, record: Mapping[str, Any]) -> None:
        run, number = record.get("run"), record.get("n")
        if run is None:
            return
        if type(number) is not int:
            self._add(index, record, f"{describe(index, record)} has no number within its run", _REWRITTEN)
            return
        due = self._next_number.get(run, number if self._gap else 0)
        if number != due:
            what = "is repeated or out of order" if number < due else "follows a gap"
            what = f"{describe(index, record)} {what}: the next record of its run has n {due}"
            self._add(index, record, what, _REWRITTEN)
        self._next_number[run] = number + 1

    def _check_clock(self, index: int, record: Mapping[str, Any]) -> None:
        self.last_time = record["time"]
        try:
            wall = _seconds(record["time"])
        except ValueError:
            self._add(index, record, f"{describe(index, record)} has no RFC 3339 time", _REWRITTEN)
            return
        boot, monotonic = record["boot"], record["monotonic"]
        if self._last_clock:
            last_boot, last_wall, last_monotonic = self._last_clock
            passed = wall - last_wall
            step = passed - (monotonic - last_monotonic) if boot == last_boot else min(passed, 0.0)
            if abs(step) > CLOCK_TOLERANCE or (passed < 0 and step < -CLOCK_JITTER):
                what = f"clock step of {step:+.3f} s before {describe(index, record)}"
                self.clock_steps[str(index)] = LedgerProblem(index, record.get("run"), what, _STEP)
        self._last_clock = (boot, wall, monotonic)

    def _follow(self, index: int, record: Mapping[str, Any]) -> None:
        kind, run = record["kind"], record.get("run")
        if kind == RUN_STARTED and run is not None:
            self.open_runs[run] = None
        elif kind == RUN_ENDED and run is not None:
            self.open_runs.pop(run, None)
        elif kind == ERASED:
            self._note_erased(index, record)
        elif kind == ACKNOWLEDGED and (step := self.clock_steps.pop(str(record.get("index")), None)):
            self.accepted.append(step)

    def _note_erased(self, index: int, record: Mapping[str, Any]) -> None:
        try:
            ranges = IndexRanges.parse(str(record.get("indices", "")))
        except ValueError as error:
            self._add(index, record, f"{describe(index, record)} does not say what was erased: {error}", _REWRITTEN)
            return
        if ranges.stop > index:
            self._add(index, record, f"{describe(index, record)} erases records that come after it", _REWRITTEN)
        else:
            self.erased.append(ranges)

    def _add(self, index: int, record: Mapping[str, Any] | None, what: str, hint: str) -> None:
        self.problems.append(LedgerProblem(index, record.get("run") if record else None, what, hint))


def _seconds(time: str) -> float:
    """Return seconds since 1970. Raises ValueError if the time is not written as a record writes it."""
    if not _TIME.fullmatch(time):
        raise ValueError(time)
    return datetime.fromisoformat(time).timestamp()
