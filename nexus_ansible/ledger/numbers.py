# SPDX-License-Identifier: Apache-2.0
"""The next record number of each run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from nexus_ansible.ledger.records import RUN_STARTED
from nexus_ansible.ledger.snapshot import parse_entry
from nexus_ansible.ledger.tiles import WIDTH, bundle_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexus_ansible.ledger.records import Record
    from nexus_ansible.ledger.snapshot import Snapshot


class RunNumbers:
    """Numbers the records of each run from 0, going on where the ledger's last record of the run stopped."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._next: dict[str, int] = {}
        self._assigned: dict[str, int] = {}

    def assign(self, records: Sequence[Record]) -> list[int | None]:
        """Return the number of each record; records of no run have none. Raises LedgerIntegrityError."""
        numbers: list[int | None] = []
        assigned: dict[str, int] = {}
        for record in records:
            run = record.run
            if run is None:
                numbers.append(None)
                continue
            number = assigned[run] if run in assigned else self._first(record)
            numbers.append(number)
            assigned[run] = number + 1
        self._assigned = assigned
        return numbers

    def confirm(self) -> None:
        """Count the records that got numbers last: they are in the ledger now."""
        self._next.update(self._assigned)

    def _first(self, record: Record) -> int:
        known = self._next.get(str(record.run))
        if known is not None:
            return known
        return 0 if record.kind == RUN_STARTED else last_number(self._snapshot, str(record.run)) + 1


def last_number(snapshot: Snapshot, run: str) -> int:
    """Return the number of a run's last record, -1 if it has none. Raises LedgerIntegrityError, OSError.

    Canonical JSON makes the search for the run's name in a bundle's bytes exact, so that only one bundle is parsed.
    """
    mark = b'"run":' + orjson.dumps(run)
    for bundle in range(snapshot.bundles - 1, -1, -1):
        if mark in snapshot.file(bundle_path(bundle)):
            first = bundle * WIDTH
            for index, leaf in reversed(list(enumerate(snapshot.leaves(bundle), first))):
                record = parse_entry(snapshot.directory, index, leaf).record
                if record["run"] == run:
                    return int(record["n"])
    return -1
