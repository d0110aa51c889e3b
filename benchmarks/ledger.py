# SPDX-License-Identifier: Apache-2.0
"""What the ledger costs: appending against plain JSON lines, verifying against hashing the same bytes.

A run appends what its tasks told since the last commit, every 0.25 s: tens of records. An import appends many at once.
"""

from __future__ import annotations

import gc
import os
import tempfile
from functools import partial
from hashlib import sha256
from pathlib import Path

import orjson

from benchmarks.measuring import Cost, Row, cost_here, in_turns
from nexus_ansible.ledger import Ledger, Record, verify

APPENDED = 40_000
VERIFIED = 100_000
GROUPS = (1_000, 50)
APPEND_LIMIT = 30_000
VERIFY_LIMIT_CPU_S = 3.0


def rows(rounds: int) -> list[Row]:
    """Measure all rows about the ledger; CPU seconds of this process."""
    with tempfile.TemporaryDirectory() as name:
        return [*(_append(Path(name), width, rounds) for width in GROUPS), _verify(Path(name), rounds)]


def sample(number: int) -> Record:
    """Return a record of about 2 KB: leaf and payload as the callback plugin writes them for one task."""
    fields = {
        "env": "production",
        "workflow": "deployment",
        "step": "deploy",
        "wave": 2,
        "service": "backend",
        "task": f"Deploy | Install release {number}",
        "host": f"backend-{number % 8}",
        "outcome": "ok",
        "changed": True,
        "duration": 0.512,
        "source": "config/ssot/automation_registry.yaml:14:7",
    }
    payload = {
        "arguments": {"dest": "/srv/backend/releases/" + "r" * 60, "mode": "0755", "state": "directory"},
        "message": "m" * 360,
        "diff": {"before": "b" * 450, "after": "a" * 450},
    }
    return Record("task", "run-1", fields, payload)


def append_all(ledger: Ledger, groups: list[list[Record]]) -> None:
    """Append one group after the other."""
    for group in groups:
        ledger.append(group)


def append_plainly(place: Path, groups: list[list[Record]]) -> None:
    """Append canonical JSON and its SHA-256, synced once for each group: what a log without a tree does."""
    with (place / "plain").open("wb", buffering=0) as stream:
        for group in groups:
            lines = []
            for record in group:
                line = orjson.dumps({**record.fields, "payload": record.payload}, option=orjson.OPT_SORT_KEYS)
                lines += [line, sha256(line).digest(), b"\n"]
            stream.write(b"".join(lines))
            os.fdatasync(stream.fileno())


def hash_files(directory: Path) -> None:
    """Read and hash every file once."""
    for path in directory.rglob("*"):
        if path.is_file():
            sha256(path.read_bytes()).digest()


def _append(place: Path, width: int, rounds: int) -> Row:
    records = [sample(number) for number in range(APPENDED)]
    groups = [records[start : start + width] for start in range(0, APPENDED, width)]
    gc.freeze()  # a run never holds so many records, so that the collector never goes through them
    ours, peer = in_turns(
        partial(_append_to_new, place, groups),
        partial(cost_here, partial(append_plainly, place, groups)),
        rounds=rounds,
    )
    gc.unfreeze()
    rate, plain = APPENDED / ours.cpu, APPENDED / peer.cpu
    return Row(
        f"ledger append, 2 KB records, durable in groups of {width:,}",
        f"{rate:,.0f} per CPU s",
        f"canonical JSON, sha256, append, fdatasync for each group: {plain:,.0f} per CPU s",
        f"{rate / plain:.2f}x",
        f">= {APPEND_LIMIT:,} per CPU s",
        rate >= APPEND_LIMIT,
    )


def _append_to_new(place: Path, groups: list[list[Record]]) -> Cost:
    with tempfile.TemporaryDirectory(dir=place) as name, Ledger.open(Path(name), witness=place / "witness") as ledger:
        return cost_here(partial(append_all, ledger, groups))


def _verify(place: Path, rounds: int) -> Row:
    directory, witness = place / "verify", place / "witness"
    ledger = Ledger.open(directory, witness=witness)
    for start in range(0, VERIFIED, 1000):
        ledger.append(sample(number) for number in range(start, start + 1000))
    if problems := verify(directory, witness=witness).problems:
        raise AssertionError(problems[:3])
    ours, peer = in_turns(
        partial(cost_here, partial(verify, directory, witness=witness)),
        partial(cost_here, partial(hash_files, directory)),
        rounds=rounds,
    )
    return Row(
        f"ledger verify, {VERIFIED:,} records",
        f"{ours.cpu:.2f} CPU s",
        f"sha256 of the same bytes: {peer.cpu:.2f} CPU s",
        f"{ours.cpu / peer.cpu:.1f}x",
        f"<= {VERIFY_LIMIT_CPU_S:g} CPU s",
        ours.cpu <= VERIFY_LIMIT_CPU_S,
    )
