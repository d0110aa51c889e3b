# SPDX-License-Identifier: Apache-2.0
"""What verification finds by what it saw before, kept outside of the ledger."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nexus_ansible.ledger import Ledger, verify
from nexus_ansible.ledger.note import Signer

from .samples import SIZE, task, whats, written
from .tampering import leaves_of, rebuild

if TYPE_CHECKING:
    from pathlib import Path


def test_another_key_is_found_by_the_given_key_and_by_the_witness(copy: Path, tmp_path: Path) -> None:
    trusted = (copy / "key.pub").read_text().strip()
    assert verify(copy).intact
    impostor = Signer(trusted.partition("+")[0], Ed25519PrivateKey.generate())
    (copy / "key").write_text(impostor.skey + "\n")
    (copy / "key.pub").write_text(impostor.verifier.vkey + "\n")
    rebuild(copy, leaves_of(copy, SIZE), impostor)
    old, new = ("+".join(key.split("+")[:2]) for key in (trusted, impostor.verifier.vkey))
    message = f"it is not signed by {old} but by {new}"
    assert message in whats(verify(copy, vkey=trusted, witness=tmp_path / "none"))
    assert message in whats(verify(copy))
    assert verify(copy, witness=tmp_path / "none").intact


def test_a_rollback_of_every_file_to_an_older_signed_state_is_found_by_the_witness(directory: Path) -> None:
    ledger = written(directory, 10)
    old = directory.with_name("old")
    shutil.copytree(directory, old)
    ledger.append([task(10, "run-2")])
    shutil.rmtree(directory)
    shutil.copytree(old, directory)
    (problem,) = verify(directory).problems
    assert problem.index == 10
    assert "the records 10 to 10, seen before, are gone" in problem.what


def test_a_ledger_rolled_back_and_continued_otherwise_is_found_by_the_witness(directory: Path) -> None:
    ledger = written(directory, 10)
    old = directory.with_name("old")
    shutil.copytree(directory, old)
    ledger.append([task(10, "run-2")])
    shutil.rmtree(directory)
    shutil.copytree(old, directory)
    Ledger.open(directory).append([task(11, "run-2"), task(12, "run-2")])
    assert "the first 11 records" in whats(verify(directory))
    assert "not those that were seen before" in whats(verify(directory))


def test_a_ledger_in_the_place_of_another_is_noticed(directory: Path) -> None:
    first = written(directory, 3)
    shutil.rmtree(directory)
    written(directory, 2)
    verification = verify(directory)
    assert verification.intact
    assert verification.notices == (f"{directory} held another ledger before, {first.origin} with 3 records",)


def test_a_damaged_witness_is_named(directory: Path, state_home: Path) -> None:
    written(directory, 3)
    (path,) = (state_home / "nexus-ansible" / "witness").glob("*.json")
    path.write_bytes(path.read_bytes().replace(b"\\n3\\n", b"\\n4\\n"))
    assert str(path) in whats(verify(directory))
