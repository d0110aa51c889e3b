# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger import Ledger, Record, RecordError, payload, prove, read, verify_proof

from .samples import started, task, written

if TYPE_CHECKING:
    from pathlib import Path


def test_appended_records_are_read_back_in_order_with_their_payloads(directory: Path) -> None:
    ledger = Ledger.open(directory)
    assert ledger.append([started(), task(1)]) == range(2)
    assert ledger.append([task(2)]) == range(2, 3)
    entries = list(read(directory))
    assert [entry.index for entry in entries] == [0, 1, 2]
    assert [entry.record["n"] for entry in entries] == [0, 1, 2]
    assert entries[1].record["host"] == "backend-2"
    assert payload(directory, 0) == {"actor": "alice", "reason": "release 1.2"}
    assert payload(directory, 2) == {"message": "done 2"}


def test_records_are_numbered_within_their_run_across_writers(directory: Path) -> None:
    first, second = Ledger.open(directory), Ledger.open(directory)
    first.append([started("a")])
    second.append([started("b"), task(1, "a")])
    first.append([task(2, "a"), Record("note", None)])
    Ledger.open(directory).append([task(3, "b")])
    numbers = [(entry.record["run"], entry.record["n"]) for entry in read(directory)]
    assert numbers == [("a", 0), ("b", 0), ("a", 1), ("a", 2), (None, None), ("b", 1)]


def test_payloads_and_keys_are_readable_by_the_owner_alone(directory: Path) -> None:
    Ledger.open(directory).append([Record("note", None, {}, {"secret": "marble cake"})])
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {name for name in ("key", "payload.key") if (directory / name).stat().st_mode & 0o777 == 0o600} == {
        "key",
        "payload.key",
    }
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert not [path for path in files if b"marble cake" in path.read_bytes()]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Record("note", "r", {"time": "now"}), 'field "time", which the ledger fills in'),
        (Record("note", "r", {"nested": {"a": 1}}), 'field "nested" is no plain value'),
        (Record("note", "r", {"text": "x" * 70_000}), "a leaf may take 65,535"),
        (Record("note", "r", {}, {"text": "x" * 1_100_000}), "it may take 1,048,576"),
        (Record("note", "r", {}, {"value": object()}), "cannot be written as JSON"),
        (Record("note", "r", {"number": 2**80}), "cannot be written as JSON"),
    ],
)
def test_a_record_that_cannot_be_stored_is_refused_and_nothing_of_its_group_is_kept(
    directory: Path, record: Record, message: str
) -> None:
    ledger = Ledger.open(directory)
    with pytest.raises(RecordError, match=message):
        ledger.append([task(1), record])
    assert ledger.append([task(2)]) == range(1)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600])
def test_every_proof_verifies_with_the_public_key_alone(directory: Path, size: int) -> None:
    ledger = written(directory, size, group=100)
    for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
        text = prove(directory, index)
        assert verify_proof(text, ledger.vkey)["n"] == index


def test_a_proof_with_any_bit_flipped_proves_nothing(directory: Path) -> None:
    ledger = written(directory, 5)
    text = prove(directory, 3).encode()
    for position in range(len(text)):
        flipped = bytes([*text[:position], text[position] ^ 1, *text[position + 1 :]])
        with pytest.raises(LedgerIntegrityError, match="the proof does not hold"):
            verify_proof(flipped.decode(errors="replace"), ledger.vkey)


def test_a_proof_of_another_ledger_does_not_verify(directory: Path, tmp_path: Path) -> None:
    written(directory, 5)
    other = written(tmp_path / "other", 5)
    with pytest.raises(LedgerIntegrityError, match="it is not signed by"):
        verify_proof(prove(directory, 0), other.vkey)
