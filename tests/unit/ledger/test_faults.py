# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import fcntl
import os
import random
import resource
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger import Ledger, Record, read, verify
from nexus_ansible.ledger import files as files_module

from .samples import started, task, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from nexus_ansible.ledger import Ledger, Record

directory, run, groups, width = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = Ledger.open(directory)
for group in range(groups):
    records = [Record("task", run, {"group": group}, {"text": "x" * (group * 37 % 500)}) for _ in range(width)]
    print(ledger.append(records).stop, flush=True)
"""


def writer(directory: Path, run: str, groups: int, width: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(directory), run, str(groups), str(width)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size: a write stops there, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_killed_writer_loses_nothing_it_reported_as_recorded(directory: Path) -> None:
    chance = random.Random(9)
    recorded = 0
    for turn in range(12):
        with writer(directory, f"run-{turn}", 10_000, 3) as process:
            assert process.stdout
            for _ in range(chance.randrange(1, 60)):
                recorded = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().splitlines()
            recorded = int(rest[-1]) if rest and rest[-1] else recorded
        with Ledger.open(directory):
            verification = verify(directory)
            assert verification.problems == ()
            assert verification.size >= recorded
    runs = [entry.record["run"] for entry in read(directory) if entry.record["run"]]
    assert len(set(runs)) == 12


def test_four_processes_share_one_ledger(directory: Path) -> None:
    Ledger.open(directory)
    writers = [writer(directory, f"run-{number}", 25, 11) for number in range(4)]
    for process in writers:
        process.communicate(timeout=300)
        assert process.returncode == 0
    verification = verify(directory)
    assert verification.problems == ()
    assert verification.size == 4 * 25 * 11
    assert verification.witnessed
    numbers: dict[str, list[int]] = {}
    for entry in read(directory):
        numbers.setdefault(entry.record["run"], []).append(entry.record["n"])
    assert [found == list(range(275)) for found in numbers.values()] == [True] * 4


def test_a_disk_that_is_full_at_any_byte_keeps_the_ledger_consistent(directory: Path) -> None:
    written(directory, 4, group=4)
    ledger = Ledger.open(directory)
    size = 4
    refused = []
    sizes = [path.stat().st_size for path in directory.rglob("*") if path.is_file()]
    for limit in range(100, max(sizes) + 400, 7):
        try:
            with largest_file(limit):
                size = ledger.append([Record("note", None, {"limit": limit})]).stop
        except LedgerIntegrityError as error:
            refused.append(str(error))
        assert not list(directory.rglob("*.tmp"))
    verification = verify(directory)
    assert verification.problems == ()
    assert verification.size == size
    assert len(refused) > 10
    assert size > 5
    assert all(text.startswith(f"{directory}/") and "Nothing was recorded. Free space" in text for text in refused)
    assert ledger.append([Record("note", None)]) == range(size, size + 1)


def test_a_full_disk_names_the_file_and_records_go_on_when_there_is_space(directory: Path) -> None:
    ledger = written(directory, 4)
    (directory / "checkpoint.tmp").symlink_to("/dev/full")
    with pytest.raises(LedgerIntegrityError, match=r"checkpoint\.tmp: No space left on device\. Nothing was recorded"):
        ledger.append([task(5)])
    assert verify(directory).problems == ()
    assert ledger.append([task(5)]) == range(4, 5)
    assert verify(directory).problems == ()


def test_a_directory_that_cannot_be_written_is_named(directory: Path) -> None:
    ledger = written(directory, 4)
    directory.chmod(0o500)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(LedgerIntegrityError, match=os.strerror(errno.EACCES)) as caught:
            ledger.append([task(5)])
    finally:
        os.seteuid(user)
    assert str(directory) in str(caught.value)
    directory.chmod(0o700)
    assert ledger.append([task(5)]) == range(4, 5)


def test_a_lock_held_too_long_is_an_error_that_says_so(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = written(directory, 4)
    monkeypatch.setattr(files_module, "LOCK_LIMIT", 0.01)
    with (directory / "lock").open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(LedgerIntegrityError, match="has been locked by another process"):
            ledger.append([task(5)])
    assert ledger.append([task(5)]) == range(4, 5)


def test_a_witness_that_cannot_be_kept_does_not_stop_recording(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = Ledger.open(directory, witness=tmp_path / "file" / "witness")
    assert ledger.append([started()]) == range(1)
