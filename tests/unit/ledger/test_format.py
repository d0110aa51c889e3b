# SPDX-License-Identifier: Apache-2.0
"""The files are what the published specifications say, read by a second reader that shares no code with the ledger.

`read_log` follows c2sp.org/tlog-tiles, tlog-checkpoint and signed-note and RFC 6962 alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import struct
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nexus_ansible.ledger import Ledger, Record, payload, prove, verify_proof
from nexus_ansible.ledger.note import NoteError, parse_skey, parse_vkey
from nexus_ansible.ledger.tiles import edge_tiles, index_path

from .samples import started, task, written

if TYPE_CHECKING:
    from pathlib import Path

SPECIFIED_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPECIFIED_NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)


def mth(hashes: list[bytes]) -> bytes:
    if not hashes:
        return hashlib.sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half < len(hashes) / 2:
        half *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:half]) + mth(hashes[half:])).digest()


def read_log(directory: Path) -> tuple[list[bytes], list[str]]:
    """Return the entries of a log after checking all of it, and the names of the files that were read."""
    name, _, encoded = (directory / "key.pub").read_text().strip().split("+", 2)
    public = base64.b64decode(encoded)
    text, _, signature = (directory / "checkpoint").read_text().partition("\n\n")
    dash, signer, blob = signature.split()
    raw = base64.b64decode(blob)
    assert (dash, signer, public[0]) == ("\u2014", name, 1)
    assert raw[:4] == hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(public[1:]).verify(raw[4:], text.encode() + b"\n")
    origin, count, root = text.split("\n")
    size, names, entries = int(count), [], []
    assert origin == name
    for start in range(0, size, 256):
        names.append(resource("entries", start // 256, min(256, size - start)))
        data = (directory / names[-1]).read_bytes()
        while data:
            (length,) = struct.unpack(">H", data[:2])
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    hashes = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    assert mth(hashes) == base64.b64decode(root)
    level = 0
    while hashes:
        for start in range(0, len(hashes), 256):
            names.append(resource(str(level), start // 256, min(256, len(hashes) - start)))
            assert (directory / names[-1]).read_bytes() == b"".join(hashes[start : start + 256])
        hashes = [mth(hashes[start : start + 256]) for start in range(0, len(hashes) - 255, 256)]
        level += 1
    return entries, names


def resource(level: str, index: int, width: int) -> str:
    digits = f"{index:0{(len(str(index)) + 2) // 3 * 3}}"
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{path}" + ("" if width == 256 else f".p/{width}")


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 770])
def test_a_second_reader_finds_the_same_records_and_every_file_accounted_for(directory: Path, size: int) -> None:
    written(directory, size, group=61)
    entries, names = read_log(directory)
    assert len(entries) == size
    found = sorted(str(path.relative_to(directory)) for path in (directory / "tile").rglob("*") if path.is_file())
    assert found == sorted(names)
    for number, entry in enumerate(entries):
        record = json.loads(entry)
        assert record["n"] == number
        assert json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == entry


def test_a_log_of_more_than_65536_records_has_three_levels_of_tiles(directory: Path) -> None:
    ledger = Ledger.open(directory)
    record = Record("note", None, {"text": "x"})
    for group in (65_000, 536, 1, 300, 3_000):
        ledger.append([record] * group)
    entries, names = read_log(directory)
    assert len(entries) == 68_837
    assert {name for name in names if name.startswith(("tile/1", "tile/2"))} == {
        *("tile/1/000", "tile/1/001.p/12", "tile/2/000.p/1")
    }
    assert Ledger.open(directory).append([record]) == range(68_837, 68_838)
    for index, hashes in ((70, 17), (65_600, 13)):
        text = prove(directory, index)
        assert verify_proof(text, ledger.vkey)["text"] == "x"
        assert text.partition("\n\n")[0].count("\n") == 2 + hashes
    read_log(directory)


def test_a_payload_is_what_the_format_says(directory: Path) -> None:
    ledger = Ledger.open(directory)
    ledger.append([started(), task(1)])
    entries, _ = read_log(directory)
    data = (directory / "payload" / "000").read_bytes()
    (skip,) = struct.unpack(">I", data[:4])
    (length,) = struct.unpack(">I", data[4 + skip : 8 + skip])
    frame = data[8 + skip : 8 + skip + length]
    key = base64.b64decode((directory / "payload.key").read_text().split("+", 2)[2])
    binding = struct.pack(">Q", 1) + hashlib.sha256(b"\x00" + entries[1]).digest()
    plaintext = AESGCM(key).decrypt(frame[:12], frame[12:], binding)
    assert json.loads(entries[1])["payload"] == hashlib.sha256(plaintext).hexdigest()
    assert json.loads(plaintext[32:]) == payload(directory, 1) == {"message": "done 1"}


def test_the_example_of_the_signed_note_specification_verifies() -> None:
    verifier = parse_vkey(SPECIFIED_VKEY)
    assert verifier.verify(SPECIFIED_NOTE) == "This is an example message.\n"
    assert verifier.vkey == SPECIFIED_VKEY
    with pytest.raises(NoteError, match="does not fit the text"):
        verifier.verify(SPECIFIED_NOTE.replace("example message", "Example message"))


@pytest.mark.parametrize("text", ["", "a+b", SPECIFIED_VKEY[:-1], SPECIFIED_VKEY.replace("530d903a", "530d903b")])
def test_a_key_that_is_not_well_formed_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        parse_vkey(text)
    with pytest.raises(NoteError):
        parse_skey(text)


@pytest.mark.parametrize(
    ("index", "path"), [(0, "000"), (255, "255"), (1000, "x001/000"), (1234067, "x001/x234/067"), (999999, "x999/999")]
)
def test_tile_numbers_are_written_as_path_elements(index: int, path: str) -> None:
    assert index_path(index) == path


def test_a_tree_of_70000_has_the_partial_tiles_of_the_specification() -> None:
    assert edge_tiles(70_000) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert edge_tiles(256) == [(1, 0, 1)]


def test_a_log_served_from_a_copy_while_its_writer_goes_on_stays_whole(directory: Path, tmp_path: Path) -> None:
    ledger = written(directory, 300)
    shutil.copytree(directory, tmp_path / "copy")
    ledger.append([task(300)])
    assert len(read_log(tmp_path / "copy")[0]) == 300
    assert len(read_log(directory)[0]) == 301
