# SPDX-License-Identifier: Apache-2.0
"""Which records are asked for, and reading them together with their payloads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nexus_ansible.errors import NexusError
from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.reading import PayloadReader
from nexus_ansible.ledger.snapshot import Snapshot, take_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILED_OUTCOMES = frozenset({"failed", "unreachable", "timeout", "cancelled", "crashed", "unknown"})


class QueryError(NexusError):
    """What is asked of the ledger makes no sense."""


@dataclass(frozen=True)
class Query:
    """What a record must be; None means that it does not matter.

    `since` (included) and `until` (excluded) are datetimes with a time zone. `failed` is about `outcome`. `actor` is
    the one in the record's own payload, else the one in the payload of its run's first record.
    """

    env: str | None = None
    service: str | None = None
    host: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    run: str | None = None
    kind: str | None = None
    changed: bool | None = None
    failed: bool | None = None

    def __post_init__(self) -> None:
        for moment in (self.since, self.until):
            if moment and moment.tzinfo is None:
                raise QueryError(f"{moment} has no time zone. Give one, such as {moment.isoformat()}Z.")

    def accepts(self, record: dict[str, Any]) -> bool:
        """Say whether a leaf's fields fit; `actor` is not among them."""
        return self._fits_fields(record) and self._fits_time(record["time"])

    def _fits_fields(self, record: dict[str, Any]) -> bool:
        for name in ("env", "service", "host", "run", "kind", "changed"):
            wanted = getattr(self, name)
            if wanted is not None and record.get(name) != wanted:
                return False
        return self.failed is None or (record.get("outcome") in FAILED_OUTCOMES) == self.failed

    def _fits_time(self, time: str) -> bool:
        since = self.since is None or time >= _comparable(self.since)
        return since and (self.until is None or time < _comparable(self.until))


@dataclass(frozen=True, slots=True)
class Selected:
    """A record with its payload (None: it has none or it was erased) and the actor of its run, if known."""

    index: int
    record: dict[str, Any]
    payload: dict[str, Any] | None
    actor: str | None


def select(directory: Path, query: Query | None = None, *, keys: KeyFiles | None = None) -> Iterator[Selected]:
    """Read the records that fit a query, in order, with their payloads. Raises LedgerIntegrityError."""
    keys = keys or KeyFiles.within(directory)
    return select_from(take_snapshot(directory, keys.verifier()), query or Query(), keys)


def select_from(snapshot: Snapshot, query: Query, keys: KeyFiles) -> Iterator[Selected]:
    """Do the same with a snapshot the caller took."""
    payloads = PayloadReader(snapshot, keys.cipher())
    actors: dict[str | None, str | None] = {}
    for entry in snapshot.entries():
        record = entry.record
        wanted = query.accepts(record)
        if not wanted and record["n"] != 0:
            continue
        payload = payloads.read(entry)
        actor = (payload or {}).get("actor") or actors.get(record["run"])
        if record["n"] == 0:
            actors[record["run"]] = actor
        if wanted and query.actor in (None, actor):
            yield Selected(entry.index, record, payload, actor)


def _comparable(moment: datetime) -> str:
    """Write a datetime as records write theirs, so that text order is time order."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
