# SPDX-License-Identifier: Apache-2.0
"""The verdict on a ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class LedgerProblem:
    """One thing that is wrong: at which record and in which run (None: not of one record), what, and what to do."""

    index: int | None
    run: str | None
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.what}. {self.hint}"


@dataclass(frozen=True)
class Verification:
    """What `verify` found. The ledger is intact if there are no `problems`.

    `root` is the signed root in hex, `time` that of the last record. `accepted` are clock steps that a later record
    acknowledges. `payloads` and `erased` count the records whose payload is there or was erased on record. `open_runs`
    have begun and not ended. `notices` are worth knowing but no fault. `witnessed` says whether the head could be
    compared with one seen earlier and kept elsewhere; without that (and without a `vkey` given) a ledger replaced as a
    whole looks intact.
    """

    directory: Path
    origin: str | None = None
    vkey: str | None = None
    size: int = 0
    root: str = ""
    time: str | None = None
    problems: tuple[LedgerProblem, ...] = ()
    accepted: tuple[LedgerProblem, ...] = ()
    payloads: int = 0
    erased: int = 0
    open_runs: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    witnessed: bool = False

    @property
    def intact(self) -> bool:
        """Say whether nothing is wrong."""
        return not self.problems


def describe(index: int, record: Mapping[str, Any] | None) -> str:
    """Name a record for a person: index, run, number, task and host, as far as they can be read."""
    if not record:
        return f"record {index}"
    parts = [f"record {index} ({record.get('kind')}"]
    if record.get("run") is not None:
        parts.append(f", run {record['run']}, n {record.get('n')}")
    if record.get("task"):
        parts.append(f', task "{record["task"]}"')
    if record.get("host"):
        parts.append(f" on {record['host']}")
    return "".join(parts) + ")"
