# SPDX-License-Identifier: Apache-2.0
"""What callers record, and the canonical JSON it becomes: the leaf of the tree and the payload stored apart."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from nexus_ansible.errors import NexusError
from nexus_ansible.ledger.tiles import MAX_ENTRY

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1

RUN_STARTED = "run_started"
RUN_ENDED = "run_ended"
ERASED = "erased"
RECOVERED = "recovered"
ACKNOWLEDGED = "acknowledged"

MAX_PAYLOAD = 1024 * 1024
"""Largest payload in bytes of JSON."""

RESERVED = frozenset({"v", "kind", "run", "n", "time", "boot", "monotonic", "payload"})
SCALARS = frozenset({str, int, float, bool, type(None)})

_NANOSECONDS = 1_000_000_000
_PREEMPTED = 1_000_000


class RecordError(NexusError):
    """A record cannot be stored: a field has a reserved name or no plain value, or it is too large."""


class Moment(NamedTuple):
    """One moment on two clocks, so that a step of the wall clock shows."""

    wall: int
    """Nanoseconds since 1970-01-01 UTC."""
    boottime: int
    """Nanoseconds since boot, time asleep included (CLOCK_BOOTTIME)."""

    @classmethod
    def now(cls) -> Moment:
        """Read both clocks, again if the process was interrupted for 1 ms or more in between."""
        while True:
            wall = time.time_ns()
            moment = cls(wall, time.clock_gettime_ns(time.CLOCK_BOOTTIME))
            if time.time_ns() - wall < _PREEMPTED:
                return moment


@dataclass(frozen=True, slots=True)
class Record:
    """One fact to record.

    `kind` says which (`run_started`, `task`, `run_ended`, ...), `run` to which run it belongs (None: to the ledger
    itself). `fields` go into the leaf for ever: plain values or lists of text by name, never personal data. `payload`
    is any JSON object with what is personal or bulky; it is encrypted and can be erased.
    """

    kind: str
    run: str | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    payload: Mapping[str, Any] | None = None
    at: Moment = field(default_factory=Moment.now)


def encode_leaf(record: Record, number: int | None, payload_digest: str | None) -> bytes:
    """Return the leaf: canonical JSON, which is UTF-8, keys in code point order, no white space.

    Raises RecordError when a field is reserved or not plain, or the leaf is longer than a bundle can hold.
    """
    _check_fields(record)
    wall, boottime = record.at
    leaf = {
        **record.fields,
        "v": VERSION,
        "kind": record.kind,
        "run": record.run,
        "n": number,
        "time": format_time(wall),
        "boot": boot_id(),
        "monotonic": boottime // 1000 / 1_000_000,
        "payload": payload_digest,
    }
    data = canonical(leaf, record)
    if len(data) > MAX_ENTRY:
        raise RecordError(
            f"{_name(record)} takes {len(data):,} bytes; a leaf may take {MAX_ENTRY:,}. "
            "Move its long fields to the payload."
        )
    return data


def encode_payload(record: Record) -> bytes:
    """Return the payload as canonical JSON. Raises RecordError when it is no JSON or over 1 MiB."""
    data = canonical(record.payload, record)
    if len(data) > MAX_PAYLOAD:
        raise RecordError(
            f"the payload of {_name(record)} takes {len(data):,} bytes; it may take {MAX_PAYLOAD:,}. Shorten it first."
        )
    return data


def canonical(value: object, record: Record) -> bytes:
    """Write `value`, a part of `record`, as canonical JSON. Raises RecordError."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as error:
        raise RecordError(f"{_name(record)} cannot be written as JSON: {error}. Convert its values first.") from None


def format_time(wall: int) -> str:
    """Write nanoseconds since 1970 as RFC 3339 in UTC with microseconds."""
    seconds, rest = divmod(wall, _NANOSECONDS)
    return f"{_format_second(seconds)}.{rest // 1000:06}Z"


@lru_cache(maxsize=4)
def _format_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@cache
def boot_id() -> str:
    """Return the kernel's random id of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _check_fields(record: Record) -> None:
    if RESERVED.isdisjoint(record.fields) and SCALARS.issuperset(map(type, record.fields.values())):
        return
    for name, value in record.fields.items():
        if name in RESERVED:
            raise RecordError(f'{_name(record)} has a field "{name}", which the ledger fills in itself. Rename it.')
        if type(value) not in SCALARS and not _is_text_list(value):
            raise RecordError(f'{_name(record)}: field "{name}" is no plain value. Put structures into the payload.')


def _is_text_list(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _name(record: Record) -> str:
    return f'record "{record.kind}" of run {record.run}'
