# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from typing import TYPE_CHECKING

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nexus_ansible.ledger import Ledger, verify
from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.note import Signer

from .samples import SIZE, ended, started, whats, written
from .tampering import bundle_file, files, leaves_of, rebuild, write_leaves

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_an_untouched_ledger_is_intact(copy: Path) -> None:
    verification = verify(copy)
    assert verification.problems == ()
    assert (verification.size, verification.payloads, verification.erased) == (SIZE, SIZE - 1, 0)
    assert verification.origin is not None
    assert verification.vkey == (copy / "key.pub").read_text().strip()
    assert verification.open_runs == ()
    assert not verification.witnessed
    assert verify(copy).witnessed


def test_an_empty_ledger_is_intact(directory: Path) -> None:
    Ledger.open(directory)
    assert verify(directory).problems == ()


def test_a_missing_ledger_is_not_intact(directory: Path) -> None:
    assert "is missing" in whats(verify(directory, vkey=Signer("x", Ed25519PrivateKey.generate()).verifier.vkey))
    assert "cannot be read" in whats(verify(directory))


def test_one_flipped_bit_in_any_byte_of_any_file_is_found(directory: Path) -> None:
    written(directory, 4)
    chance = random.Random(600)
    for path in files(directory):
        data = path.read_bytes()
        for position in range(len(data)):
            flipped = data[position] ^ 1 << chance.randrange(8)
            path.write_bytes(data[:position] + bytes([flipped]) + data[position + 1 :])
            assert not verify(directory).intact, f"bit in byte {position} of {path.name}"
        path.write_bytes(data)
    assert verify(directory).intact


@pytest.mark.parametrize("index", [0, 5, 255, 256, 511, 512, SIZE - 1])
def test_a_flipped_bit_in_an_entry_or_its_payload_names_the_record(copy: Path, index: int) -> None:
    path = bundle_file(copy, SIZE, index // 256)
    leaves = leaves_of(copy, SIZE)
    part = leaves[index // 256 * 256 :][:256]
    part[index % 256] = part[index % 256].replace(b"production", b"prodpction")
    write_leaves(path, part)
    (problem,) = verify(copy).problems
    assert (problem.index, problem.run) == (index, "run-1")
    assert f"record {index} (" in problem.what
    assert f"run run-1, n {index}" in problem.what
    assert "was edited" in problem.what


def test_a_changed_payload_names_the_record_with_task_and_host(copy: Path) -> None:
    path = copy / "payload" / "001"
    data = bytearray(path.read_bytes())
    data[4 + 12 + 5] ^= 4
    path.write_bytes(data)
    (problem,) = verify(copy).problems
    assert (problem.index, problem.run) == (256, "run-1")
    assert problem.what.startswith('record 256 (task, run run-1, n 256, task "Deploy | Step 255" on backend-1) and its')


def delete(part: list[bytes]) -> None:
    del part[7]


def swap(part: list[bytes]) -> None:
    part[7], part[9] = part[9], part[7]


def repeat(part: list[bytes]) -> None:
    part.insert(20, part[7])


def overwrite(part: list[bytes]) -> None:
    part[7] = part[20]


def insert(part: list[bytes]) -> None:
    part.insert(7, part[7].replace(b"production", b"staging"))


CHANGES = [
    (delete, {7: "record 263 was deleted"}),
    (swap, {7: "was moved to the place of record 265", 9: "was moved to the place of record 263"}),
    (repeat, {7: "is repeated at the place of record 276"}),
    (overwrite, {7: "was replaced by a copy of record 276"}),
    (insert, {7: "was inserted"}),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_changed_bundle_names_each_record_that_is_not_in_its_place(
    copy: Path, change: Callable[[list[bytes]], None], expected: dict[int, str]
) -> None:
    part = leaves_of(copy, SIZE)[256:512]
    change(part)
    write_leaves(bundle_file(copy, SIZE, 1), part)
    found = {problem.index: problem.what for problem in verify(copy).problems}
    assert set(found) == {256 + place for place in expected}
    assert all(text in found[256 + place] for place, text in expected.items())


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=lambda value: getattr(value, "__name__", ""))
def test_a_change_that_was_signed_again_with_all_tiles_still_names_the_record(
    copy: Path, change: Callable[[list[bytes]], None], expected: dict[int, str]
) -> None:
    verify(copy)
    leaves = leaves_of(copy, SIZE)
    change(leaves)
    rebuild(copy, leaves)
    verification = verify(copy)
    assert min(problem.index for problem in verification.problems if problem.index is not None) in {7, 20}
    assert min(expected) == 7


def test_an_edited_record_signed_again_with_all_tiles_is_named_by_its_payload(copy: Path) -> None:
    leaves = leaves_of(copy, SIZE)
    leaves[300] = leaves[300].replace(b'"ok"', b'"failed"')
    rebuild(copy, leaves)
    (problem,) = verify(copy).problems
    assert (problem.index, problem.run) == (300, "run-1")
    assert "its payload do not belong together" in problem.what


def test_a_record_changed_along_with_its_tile_is_located_by_the_tile_above(copy: Path) -> None:
    intact = (copy / "tile" / "1" / "000.p" / "2").read_bytes()
    checkpoint = (copy / "checkpoint").read_bytes()
    leaves = leaves_of(copy, SIZE)
    leaves[SIZE - 1 - 256] = leaves[0]
    rebuild(copy, leaves)
    (copy / "tile" / "1" / "000.p" / "2").write_bytes(intact)
    (copy / "checkpoint").write_bytes(checkpoint)
    assert any(
        problem.index == 256 and "between 256 and 511 was changed" in problem.what for problem in verify(copy).problems
    )


@pytest.mark.parametrize("tile", ["0/001", "0/002.p/88", "1/000.p/2"])
def test_a_damaged_tile_is_told_from_a_damaged_record(copy: Path, tile: str) -> None:
    path = copy / "tile" / tile
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    (problem,) = verify(copy).problems
    assert problem.what.startswith(f"tile/{tile.partition('.')[0]}")


@pytest.mark.parametrize("bundle", [0, 1])
def test_a_missing_bundle_names_its_records(copy: Path, bundle: int) -> None:
    bundle_file(copy, SIZE, bundle).unlink()
    (problem,) = verify(copy).problems
    assert problem.index == bundle * 256
    assert f"records {bundle * 256} to {bundle * 256 + 255} are gone" in problem.what


@pytest.mark.parametrize("count", [1, 50, 88])
def test_a_cut_off_tail_names_the_first_record_that_is_gone(copy: Path, count: int) -> None:
    part = leaves_of(copy, SIZE)[512:]
    write_leaves(bundle_file(copy, SIZE, 2), part[:-count])
    problems = verify(copy).problems
    assert problems[0].index == SIZE - count
    assert "deleted" in problems[0].what or "are gone" in problems[0].what


def test_a_record_after_the_signed_ones_is_named(copy: Path) -> None:
    part = leaves_of(copy, SIZE)[512:]
    write_leaves(bundle_file(copy, SIZE, 2), [*part, part[-1].replace(b'"n":599', b'"n":600')])
    (problem,) = verify(copy).problems
    assert (problem.index, problem.run) == (SIZE, "run-1")
    assert "follows in tile/entries/002 after the last one that is signed" in problem.what


def test_a_file_that_belongs_to_no_record_is_named(copy: Path) -> None:
    (copy / "tile" / "entries" / "003").write_bytes(b"more")
    assert "tile/entries/003 is no file of this ledger" in whats(verify(copy))


def test_forged_runner_events_are_problems_of_the_closing_record(directory: Path) -> None:
    ledger = Ledger.open(directory)
    ledger.append([started(), ended(discrepancies=["ok on backend-9, which was not in the play"])])
    (problem,) = verify(directory).problems
    assert problem.index == 1
    assert "forged runner event" in problem.what
    assert "ok on backend-9, which was not in the play" in problem.what


def test_runs_without_an_end_are_listed_and_no_problem(directory: Path) -> None:
    ledger = Ledger.open(directory)
    ledger.append([started("a"), started("b"), ended("a"), started("c")])
    verification = verify(directory)
    assert verification.intact
    assert verification.open_runs == ("b", "c")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"v": 2}, "is not canonical JSON of version 1"),
        ({"time": "yesterday"}, "has no RFC 3339 time"),
        ({"time": "2026-03-01"}, "has no RFC 3339 time"),
        ({"run": ["a"]}, "is not in the form of a record"),
        ({"kind": "erased", "indices": "0-2"}, "erases records that come after it"),
        ({"kind": "erased", "indices": "x"}, "does not say what was erased"),
        ({"kind": "acknowledged", "index": ["a"], "n": 7}, "follows a gap"),
        ({"n": None}, "has no number within its run"),
        ({"n": 5}, "follows a gap: the next record of its run has n 2"),
        ({"n": 1}, "is repeated or out of order: the next record of its run has n 2"),
        ({"kind": 4}, "is not in the form of a record"),
    ],
)
def test_a_record_its_writer_signed_in_a_wrong_form_is_named(
    directory: Path, change: dict[str, object], message: str
) -> None:
    written(directory, 3)
    leaves = leaves_of(directory, 3)
    leaves[2] = orjson.dumps(orjson.loads(leaves[2]) | change, option=orjson.OPT_SORT_KEYS)
    rebuild(directory, leaves)
    problem = verify(directory, witness=directory).problems[0]
    assert problem.index == 2
    assert message in problem.what


def test_json_that_is_not_canonical_is_named(directory: Path) -> None:
    written(directory, 3)
    leaves = leaves_of(directory, 3)
    leaves[2] = leaves[2].replace(b":", b": ", 1)
    rebuild(directory, leaves)
    assert "record 2 (run_ended, run run-1, n 2) is not canonical JSON" in whats(verify(directory))


def test_an_auditor_verifies_a_copy_without_the_private_key(copy: Path, tmp_path: Path) -> None:
    (copy / "key").unlink()
    (copy / "lock").unlink()
    assert verify(copy, witness=tmp_path / "witness").intact


@pytest.mark.parametrize("name", ["key.pub", "payload.key"])
def test_a_missing_key_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert f"{copy / name} cannot be read" in whats(verify(copy))


def test_keys_may_lie_elsewhere(directory: Path, tmp_path: Path) -> None:
    safe = tmp_path / "safe"
    keys = KeyFiles(safe / "signing", directory / "key.pub", safe / "payloads")
    Ledger.open(directory, keys=keys).append([started()])
    assert verify(directory, keys=keys).payloads == 1
    assert "payload.key cannot be read" in whats(verify(directory))
