# SPDX-License-Identifier: Apache-2.0
"""Erasing payloads for good while the log still verifies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from nexus_ansible.ledger.files import write_durably
from nexus_ansible.ledger.payloads import FRAME_PREFIX, NO_FRAME, payload_path
from nexus_ansible.ledger.query import Query, select_from
from nexus_ansible.ledger.ranges import IndexRanges
from nexus_ansible.ledger.records import ERASED, Record
from nexus_ansible.ledger.tiles import WIDTH, join_prefixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.ledger.keys import KeyFiles
    from nexus_ansible.ledger.snapshot import Snapshot

MAX_INDICES = 60_000
"""Bytes of indices in one `erased` record, so that its leaf fits a bundle."""


def expired(retention: timedelta, now: datetime | None = None) -> Query:
    """Return the query for what is older than the retention period."""
    return Query(until=(now or datetime.now(UTC)) - retention)


def erasable(snapshot: Snapshot, query: Query, keys: KeyFiles) -> IndexRanges:
    """Return the indices of the records a query finds that still have a payload. Raises LedgerIntegrityError."""
    return IndexRanges(found.index for found in select_from(snapshot, query, keys) if found.payload is not None)


def erasure_records(indices: IndexRanges, reason: str, payload: Mapping[str, Any] | None) -> list[Record]:
    """Return the records that say what is erased and why."""
    return [
        Record(ERASED, None, {"indices": text, "reason": reason, "payloads": len(IndexRanges.parse(text))}, payload)
        for text in _parts(str(indices))
    ]


def remove_payloads(snapshot: Snapshot, indices: IndexRanges) -> None:
    """Write the payload files anew without the frames of these records. Raises OSError."""
    for bundle in sorted({index // WIDTH for index in indices}):
        start = bundle * WIDTH
        frames = snapshot.frames(bundle)
        kept = [NO_FRAME if start + place in indices else frame for place, frame in enumerate(frames)]
        write_durably(snapshot.directory / payload_path(bundle), join_prefixed(kept, FRAME_PREFIX))


def _parts(text: str) -> Iterator[str]:
    while len(text) > MAX_INDICES:
        end = text.rindex(",", 0, MAX_INDICES)
        yield text[:end]
        text = text[end + 1 :]
    if text:
        yield text
