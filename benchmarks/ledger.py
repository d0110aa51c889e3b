# SPDX-License-Identifier: Apache-2.0
"""What the ledger costs: appending against plain JSON lines, verifying against hashing the same bytes."""

from __future__ import annotations

import json
import os
import tempfile
import time
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from nexus_ansible.ledger import Ledger, Record, verify

if TYPE_CHECKING:
    from collections.abc import Callable

APPENDED = 40_000
VERIFIED = 100_000
GROUPS = (1000, 50)
ROUNDS = 3


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


def figures() -> dict[str, Any]:
    """Measure and return all figures; times are CPU seconds of this process."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        groups = {str(width): compare_appending(place, width) for width in GROUPS}
        return {"append": groups, "verify": compare_verifying(place)}


def compare_appending(place: Path, width: int) -> dict[str, float]:
    """Append in groups of `width` records, in turns with the peer; the best of three rounds each."""
    records = [sample(number) for number in range(APPENDED)]
    groups = [records[start : start + width] for start in range(0, APPENDED, width)]
    ours, peers = [], []
    for turn in range(ROUNDS):
        ledger = Ledger.open(place / f"append-{width}-{turn}", witness=place / "witness")
        ours.append(cpu_seconds(partial(append_all, ledger, groups)))
        peers.append(cpu_seconds(partial(append_plainly, place / f"plain-{width}-{turn}", groups)))
    return {
        "records_per_cpu_second": round(APPENDED / min(ours)),
        "peer_records_per_cpu_second": round(APPENDED / min(peers)),
        "times_peer": round(min(ours) / min(peers), 2),
        "bytes_per_record": round(stored_bytes(place / f"append-{width}-0") / APPENDED),
    }


def compare_verifying(place: Path) -> dict[str, float]:
    """Verify 100,000 records, and hash the same files."""
    directory = place / "verify"
    ledger = Ledger.open(directory, witness=place / "witness")
    for start in range(0, VERIFIED, 1000):
        ledger.append(sample(number) for number in range(start, start + 1000))
    verifications = []
    ours = min(
        cpu_seconds(lambda: verifications.append(verify(directory, witness=place / "witness"))) for _ in range(ROUNDS)
    )
    if any(verification.problems for verification in verifications):
        raise AssertionError(verifications[0].problems[:3])
    peer = min(cpu_seconds(lambda: hash_files(directory)) for _ in range(ROUNDS))
    return {
        "records": VERIFIED,
        "cpu_seconds": round(ours, 3),
        "sha256_cpu_seconds": round(peer, 3),
        "times_sha256": round(ours / peer, 2),
    }


def append_all(ledger: Ledger, groups: list[list[Record]]) -> None:
    """Append one group after the other."""
    for group in groups:
        ledger.append(group)


def append_plainly(path: Path, groups: list[list[Record]]) -> None:
    """Append canonical JSON and its SHA-256, synced once for each group: what a log without a tree does."""
    with path.open("wb", buffering=0) as stream:
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


def stored_bytes(directory: Path) -> int:
    """Return the bytes of all leaves and payloads of a ledger."""
    places = (directory / "tile" / "entries", directory / "payload")
    return sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file())


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of this process, user and system, that the work takes."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    print(json.dumps(figures(), indent=2))
