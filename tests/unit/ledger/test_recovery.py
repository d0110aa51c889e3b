# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger import Ledger, Record, payload, read, verify

from .samples import task, written
from .tampering import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

State = dict[str, bytes]


def note(number: int) -> Record:
    return Record("note", "r", {"number": number}, {"text": f"payload {number}"})


def state(directory: Path) -> State:
    return {str(path.relative_to(directory)): path.read_bytes() for path in files(directory)}


def restore(directory: Path, contents: State) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    for name, data in contents.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)


def commit_states(before: State, after: State, old_size: int) -> Iterator[State]:
    """Every state a crash within the commit between two states can leave: files cut at every byte, in writing order."""
    current = dict(before)
    for stage in ("payload/", "tile/entries/", "tile/"):
        for name in sorted(path for path in after if path.startswith(stage)):
            base = name.partition(".p/")[0]
            old = next((path for path in current if path == base or path.startswith(f"{base}.p/")), name)
            if len(current.get(old, b"")) == len(after[name]):
                continue
            for end in range(len(current.get(old, b"")), len(after[name]) + 1):
                yield {**current, old: after[name][:end]}
            current[old] = after[name]
    yield {**current, "checkpoint.tmp": after["checkpoint"][:40]}
    for name in sorted(after):
        base = name.partition(".p/")[0]
        old = next((path for path in current if path not in after and path.startswith(f"{base}.p/")), None)
        if old:
            current[name] = current.pop(old)
            yield dict(current)


@pytest.fixture
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save time: what a power loss leaves is written by the test, so that it does not matter what is synced."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)


@pytest.mark.usefixtures("unsynced")
@pytest.mark.parametrize(("old_size", "added"), [(0, 1), (3, 2)])
def test_a_crash_at_any_byte_of_a_commit_leaves_a_ledger_that_opens_with_whole_records(
    directory: Path, old_size: int, added: int
) -> None:
    ledger = Ledger.open(directory)
    ledger.append(note(number) for number in range(old_size))
    before = state(directory)
    ledger.append(note(number) for number in range(old_size, old_size + added))
    after = state(directory)
    adopted = set()
    for crashed in commit_states(before, after, old_size):
        restore(directory, crashed)
        Ledger.open(directory, witness=directory / "witness")
        adopted.add(check_recovered(directory, old_size, crashed != before))
    assert adopted == set(range(added + 1))


def check_recovered(directory: Path, old_size: int, is_changed: bool) -> int:
    verification = verify(directory, witness=directory / "other")
    assert verification.problems == ()
    entries = list(read(directory))
    notes = [entry for entry in entries if entry.record["kind"] == "note"]
    assert [entry.record["n"] for entry in notes] == list(range(len(notes)))
    assert [payload(directory, entry.index) for entry in notes[-1:]] == [
        {"text": f"payload {entry.index}"} for entry in notes[-1:]
    ]
    recovered = [entry.record for entry in entries if entry.record["kind"] == "recovered"]
    adopted = len(notes) - old_size
    if adopted:
        assert recovered[0]["adopted"] == adopted
        assert recovered[0]["from_index"] == old_size
    return adopted


@pytest.mark.usefixtures("unsynced")
@pytest.mark.parametrize("old_size", [254, 256])
def test_a_crash_across_two_bundles_leaves_a_ledger_that_opens_and_goes_on(directory: Path, old_size: int) -> None:
    ledger = Ledger.open(directory)
    ledger.append(note(number) for number in range(old_size))
    before = state(directory)
    ledger.append(note(number) for number in range(old_size, old_size + 4))
    states = list(commit_states(before, state(directory), old_size))
    for crashed in states[:: max(1, len(states) // 60)]:
        restore(directory, crashed)
        ledger = Ledger.open(directory, witness=directory / "witness")
        adopted = check_recovered(directory, old_size, crashed != before)
        ledger.append([note(old_size + adopted), note(old_size + adopted + 1)])
        assert verify(directory, witness=directory / "other").problems == ()


def test_what_was_found_after_a_crash_is_recorded(directory: Path) -> None:
    written(directory, 3)
    path = directory / "tile" / "entries" / "000.p" / "3"
    path.write_bytes(path.read_bytes() + b"\x00\x09torn")
    before = verify(directory).problems
    assert [(problem.index, "6 bytes follow" in problem.what) for problem in before] == [(3, True)]
    Ledger.open(directory)
    record = list(read(directory))[-1].record
    assert (record["kind"], record["adopted"], record["dropped_bytes"]) == ("recovered", 0, 6)
    assert verify(directory).problems == ()


def test_a_record_with_a_payload_that_is_not_its_own_is_not_adopted(directory: Path) -> None:
    ledger = Ledger.open(directory)
    ledger.append([note(0)])
    checkpoint = (directory / "checkpoint").read_bytes()
    ledger.append([note(1), note(2)])
    path = directory / "payload" / "000"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    (directory / "checkpoint").write_bytes(checkpoint)
    Ledger.open(directory)
    assert [entry.record["kind"] for entry in read(directory)] == ["note", "note", "recovered"]


@pytest.mark.parametrize("name", ["0/002.p/88", "1/000.p/2"])
def test_an_unfinished_tile_that_was_lost_is_made_again(directory: Path, name: str) -> None:
    ledger = Ledger.open(directory)
    ledger.append(task(number) for number in range(600))
    (directory / "tile" / name).unlink()
    assert not verify(directory).intact
    Ledger.open(directory).append([task(600)])
    assert verify(directory).problems == ()


def test_a_creation_that_was_interrupted_is_finished(directory: Path) -> None:
    origin = Ledger.open(directory).origin
    for name in ("checkpoint", "key.pub", "payload.key"):
        (directory / name).unlink()
    ledger = Ledger.open(directory)
    assert ledger.origin == origin
    ledger.append([note(0)])
    assert verify(directory).problems == ()


def test_a_ledger_whose_last_records_were_changed_takes_no_more(directory: Path) -> None:
    written(directory, 5)
    path = directory / "tile" / "entries" / "000.p" / "5"
    path.write_bytes(path.read_bytes().replace(b"production", b"prodpction"))
    with pytest.raises(LedgerIntegrityError, match="not those that were signed"):
        Ledger.open(directory)


def test_a_ledger_without_checkpoint_is_not_taken_for_a_new_one(directory: Path) -> None:
    written(directory, 5)
    (directory / "checkpoint").unlink()
    with pytest.raises(LedgerIntegrityError, match="checkpoint is missing"):
        Ledger.open(directory)
