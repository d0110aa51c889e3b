# SPDX-License-Identifier: Apache-2.0
"""Records for other programs: JSON lines, CSV, and the playbook artifact of ansible-navigator."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from nexus_ansible.ledger.navigator import navigator_artifact
from nexus_ansible.ledger.query import Query, QueryError, Selected, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexus_ansible.ledger.keys import KeyFiles

COLUMNS = (
    "index",
    "time",
    "run",
    "n",
    "kind",
    "env",
    "workflow",
    "step",
    "wave",
    "service",
    "task",
    "host",
    "outcome",
    "changed",
    "duration",
    "source",
    "plan",
    "actor",
)
"""Columns of the CSV; `fields` (the leaf's other fields) and `payload`, both JSON, follow them."""

_NOT_IN_FIELDS = {*COLUMNS, "v", "boot", "monotonic", "payload"}


def export(
    directory: Path, query: Query | None, format_name: str, stream: TextIO, *, keys: KeyFiles | None = None
) -> None:
    """Write the records that fit a query as `jsonl`, `csv` or `navigator` (one run).

    Raises QueryError for another format or not exactly one run, LedgerIntegrityError.
    """
    if format_name not in FORMATS:
        raise QueryError(f'there is no export format "{format_name}". Choose one of {", ".join(FORMATS)}.')
    FORMATS[format_name](select(directory, query, keys=keys), stream)


def _write_jsonl(records: Iterator[Selected], stream: TextIO) -> None:
    for found in records:
        line = {"index": found.index, "record": found.record, "payload": found.payload, "actor": found.actor}
        stream.write(orjson.dumps(line, option=orjson.OPT_SORT_KEYS).decode() + "\n")


def _write_csv(records: Iterator[Selected], stream: TextIO) -> None:
    """Write RFC 4180 CSV with unaltered values.

    A value that begins with `=`, `+`, `-` or `@` stays as it is: a mark put before it could not be told from data.
    Whoever opens the file in a spreadsheet imports the columns as text.
    """
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow((*COLUMNS, "fields", "payload"))
    for found in records:
        values = {**found.record, "index": found.index, "actor": found.actor}
        others = {name: value for name, value in found.record.items() if name not in _NOT_IN_FIELDS}
        writer.writerow((*(_cell(values.get(name)) for name in COLUMNS), _json(others or None), _json(found.payload)))


def _cell(value: object) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _write_navigator(records: Iterator[Selected], stream: TextIO) -> None:
    stream.write(orjson.dumps(navigator_artifact(records), option=orjson.OPT_INDENT_2).decode() + "\n")


FORMATS: dict[str, Callable[[Iterator[Selected], TextIO], None]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "navigator": _write_navigator,
}
