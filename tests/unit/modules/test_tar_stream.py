# SPDX-License-Identifier: Apache-2.0
"""Tar archives as streams: others can read them, and they are always the same bytes."""

from __future__ import annotations

import hashlib
import io
import itertools
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.images.tar_stream import (
    DIRECTORY,
    LINK,
    Content,
    Member,
    content_of,
    stream_tar,
)

LONG = "/".join(["directory"] * 30)
MEMBERS = [
    Member("bin", 0o755, DIRECTORY),
    Member("bin/run", 0o755, content=content_of(b"#!/bin/sh\n")),
    Member("bin/start", 0o777, LINK, target="run"),
    Member(LONG, 0o644, content=content_of(b"far away")),
    Member("empty", 0o600),
    Member("link", 0o777, LINK, target=f"{LONG}/ü"),
    Member("übung/Ω", 0o644, content=content_of("Ω".encode())),
]
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=300)


def _tar(members: Sequence[Member]) -> bytes:
    return b"".join(stream_tar(members))


def test_every_member_comes_out_as_it_went_in() -> None:
    with tarfile.open(fileobj=io.BytesIO(_tar(MEMBERS))) as archive:
        found = {member.name: member for member in archive}
        texts = {name: archive.extractfile(member).read() for name, member in found.items() if member.isreg()}
    assert list(found) == [member.name for member in MEMBERS]
    for member in MEMBERS:
        entry = found[member.name]
        assert (entry.type, entry.mode, entry.linkname) == (member.kind, member.mode, member.target)
        assert (entry.uid, entry.gid, entry.uname, entry.gname, entry.mtime) == (0, 0, "", "", 0)
    assert texts == {member.name: b"".join(member.content.read()) for member in MEMBERS if member.kind == b"0"}


def test_gnu_tar_unpacks_it(tmp_path: Path) -> None:
    (tmp_path / "archive.tar").write_bytes(_tar(MEMBERS))
    (tmp_path / "target").mkdir()
    argv = ["tar", "--extract", "--file", "../archive.tar"]
    done = subprocess.run(
        argv,
        cwd=tmp_path / "target",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"LC_ALL": "C.UTF-8"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "target" / LONG).read_bytes() == b"far away"
    assert (tmp_path / "target" / "übung" / "Ω").read_text(encoding="utf-8") == "Ω"
    assert (tmp_path / "target" / "link").readlink() == Path(LONG, "ü")
    assert (tmp_path / "target" / "bin" / "run").stat().st_mode & 0o777 == 0o755


def test_the_bytes_never_change() -> None:
    """Images made by an earlier version, or with another Python, must keep their ids."""
    digest = hashlib.sha256(_tar(MEMBERS)).hexdigest()
    assert digest == "e59240cecd2763b9df7fc3f79ea31bfc9caab3be38b51ca7a65716fedc1c9bdb"


@given(st.lists(st.tuples(NAMES, st.binary(max_size=1025)), max_size=4, unique_by=lambda pair: pair[0]))
def test_any_name_and_any_size_can_be_read_back(files: list[tuple[str, bytes]]) -> None:
    members = [Member(f"at/{name}", 0o644, content=content_of(text)) for name, text in files]
    packed = _tar(members)
    assert len(packed) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert [(entry.name[3:], archive.extractfile(entry).read()) for entry in archive] == files


@pytest.mark.parametrize("length", [98, 99, 100, 101, 155, 255, 256, 1000])
def test_names_around_the_limits_of_the_header_are_kept(length: int) -> None:
    name, target = "n" * length, "t" * length
    members = [Member(name, 0o755, DIRECTORY), Member(f"{name}/l", 0o777, LINK, target=target)]
    with tarfile.open(fileobj=io.BytesIO(_tar(members))) as archive:
        assert [(entry.name, entry.linkname) for entry in archive] == [(name, ""), (f"{name}/l", target)]


@pytest.mark.parametrize("size", [8**11 - 1, 8**11, 50 * 2**30])
def test_sizes_beyond_the_header_are_told(size: int) -> None:
    stream = stream_tar([Member("huge", 0o644, content=Content(size, lambda: itertools.repeat(b"")))])
    with tarfile.open(fileobj=io.BytesIO(next(iter(stream)))) as archive:
        assert [entry.size for entry in [archive.next()] if entry] == [size]


@pytest.mark.parametrize("found", [b"", b"shorter", b"a lot longer"])
def test_content_that_changed_its_size_ends_the_stream(found: bytes) -> None:
    members = [Member("srv/page", 0o644, content=Content(10, lambda: [found]))]
    with pytest.raises(AdapterError, match=rf"srv/page has {len(found)} bytes instead of 10: it changed while"):
        _tar(members)
