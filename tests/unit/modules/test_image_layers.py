# SPDX-License-Identifier: Apache-2.0
"""Layers are the same bytes for the same artefact, and hold nothing that leaves its place."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.artefacts.build import (
    Artefact,
    build_artefact,
    locate_artefact,
    make_recipe,
)
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.images.layers import (
    Layer,
    artefact_layer,
    files_layer,
    place_in_image,
)

BIG = 64 * 2**20
HELD = 16 * 2**20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "page.html").write_text("<h1>ü</h1>", encoding="utf-8")
    (root / "sub" / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "sub" / "run.sh").chmod(0o700)
    (root / "link").symlink_to("sub/run.sh")
    (root / "sub" / "übung").write_text("x", encoding="utf-8")
    (root / ("long-" * 40)).write_text("y", encoding="utf-8")
    return root


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another umask and another time zone."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    before = os.umask(0o077)
    yield
    os.umask(before)
    monkeypatch.undo()
    time.tzset()


def _artefact(source: Path, dest: Path) -> Artefact:
    recipe = make_recipe("site", "1.0", source, (), None)
    artefact = locate_artefact(recipe, dest)
    build_artefact(recipe, artefact)
    return artefact


def _packed(path: Path, *members: tarfile.TarInfo) -> Artefact:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return Artefact(path, path.name.replace(".tar.gz", ""))


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, 1 if kind == tarfile.REGTYPE else 0
    return member


def _content(layer: Layer) -> bytes:
    return b"".join(layer.blob.content.read())


def _names(layer: Layer) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(_content(layer))) as archive:
        return archive.getnames()


def _file(path: str, content: str = "x", mode: str = "0644") -> dict[str, str]:
    return {"path": path, "content": content, "mode": mode}


def test_a_layer_is_the_same_wherever_and_whenever_it_is_made(source: Path, tmp_path: Path, elsewhere: None) -> None:
    other = shutil.copytree(source, tmp_path / "far" / "away", symlinks=True)
    for path in other.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    first = artefact_layer(_artefact(source, tmp_path / "a"), "/srv/site")
    second = artefact_layer(_artefact(other, tmp_path / "b"), "/srv/site")
    assert first.blob.digest == second.blob.digest
    assert _content(first) == _content(second)


def test_umask_and_time_zone_change_nothing(source: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    here = artefact_layer(_artefact(source, tmp_path / "a"), "/srv/site").blob.digest
    request.getfixturevalue("elsewhere")
    assert artefact_layer(_artefact(source, tmp_path / "b"), "/srv/site").blob.digest == here


def test_a_layer_has_the_directories_above_and_everything_in_order(source: Path, tmp_path: Path) -> None:
    layer = artefact_layer(_artefact(source, tmp_path / "a"), "/srv/site/")
    with tarfile.open(fileobj=io.BytesIO(_content(layer))) as archive:
        members = {member.name: member for member in archive}
    below = [f"srv/site/{name}" for name in ("link", f"{'long-' * 40}", "page.html", "sub")]
    deeper = [f"srv/site/sub/{name}" for name in ("empty", "run.sh", "übung")]
    assert list(members) == ["srv", "srv/site", *below, *deeper]
    for member in members.values():
        assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)
    executable = {name for name, member in members.items() if member.isreg() and member.mode == 0o755}
    assert executable == {"srv/site/sub/run.sh"}
    assert {member.mode for member in members.values() if member.isdir()} == {0o755}
    assert members["srv/site/link"].linkname == "sub/run.sh"


def test_the_order_and_the_owners_in_the_artefact_change_nothing(tmp_path: Path) -> None:
    members = [_member("a", tarfile.DIRTYPE), _member("a/b"), _member("a-b"), _member("c", tarfile.SYMTYPE, "a/b")]
    digests = set()
    for number, order in enumerate([members, members[::-1], members[2:] + members[:2]]):
        for member in order:
            member.mtime, member.uid, member.uname = number, number, f"user{number}"
            member.mode = (0o644, 0o600, 0o664)[number]
        artefact = _packed(tmp_path / f"{number}.tar.gz", *order)
        digests.add(artefact_layer(artefact, "/srv").blob.digest)
    assert len(digests) == 1


def test_digest_and_size_are_those_of_the_content(source: Path, tmp_path: Path) -> None:
    layer = artefact_layer(_artefact(source, tmp_path / "a"), "/")
    assert layer.blob.content.size == len(_content(layer))
    assert "srv" not in _names(layer)


def test_a_big_artefact_is_streamed(tmp_path: Path) -> None:
    big = tarfile.TarInfo("big")
    big.size = BIG
    with (
        tarfile.open(tmp_path / "big.tar.gz", "w:gz", compresslevel=1) as archive,
        Path("/dev/zero").open("rb") as zero,
    ):
        archive.addfile(big, zero)
    tracemalloc.start()
    try:
        layer = artefact_layer(Artefact(tmp_path / "big.tar.gz", "big"), "/srv")
        sizes = [len(chunk) for chunk in layer.blob.content.read()]
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) == layer.blob.content.size > BIG
    assert held < HELD


@pytest.mark.parametrize(
    "member",
    [
        _member("../outside"),
        _member("/outside"),
        _member("a/../../outside"),
        _member("link", tarfile.SYMTYPE, "../outside"),
        _member("a/link", tarfile.SYMTYPE, "../../outside"),
        _member("link", tarfile.SYMTYPE, "/etc"),
        _member("hard", tarfile.LNKTYPE, "/etc/passwd"),
        _member("device", tarfile.CHRTYPE),
        _member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name} {member.linkname}",
)
def test_members_that_leave_their_place_are_refused(member: tarfile.TarInfo, tmp_path: Path) -> None:
    artefact = _packed(tmp_path / "bad.tar.gz", _member("good"), member)
    with pytest.raises(AdapterError, match=r"bad\.tar\.gz: the (member|link) .* leaves the directory"):
        artefact_layer(artefact, "/srv")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([_member("a"), _member("a")], "/srv/a is there already"),
        ([_member("a"), _member("a/b")], "/srv/a/b is below /srv/a, which is no directory"),
        ([_member("a", tarfile.SYMTYPE, "b"), _member("a/c")], "/srv/a/c is below /srv/a, which is no directory"),
        ([_member("sub/.wh.page")], r"/srv/sub/\.wh\.page would remove files of the base"),
        ([_member("bad\udcff")], "is no UTF-8"),
    ],
)
def test_what_an_image_cannot_hold_is_refused(members: Sequence[tarfile.TarInfo], message: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=message):
        artefact_layer(_packed(tmp_path / "bad.tar.gz", *members), "/srv")


@pytest.mark.parametrize("dest", ["/lib", "/bin/tools", "/var/run/site"])
def test_a_directory_that_would_hide_a_link_of_the_base_is_refused(dest: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="is a link in most images; a directory would hide it"):
        artefact_layer(_artefact(source, tmp_path / "a"), dest)


def test_a_file_that_is_no_artefact_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"no archive")
    with pytest.raises(AdapterError, match=r"x\.tar\.gz is no artefact"):
        artefact_layer(Artefact(tmp_path / "x.tar.gz", "x"), "/srv")


def test_an_artefact_that_is_cut_off_is_refused(source: Path, tmp_path: Path) -> None:
    artefact = _artefact(source, tmp_path / "a")
    artefact.path.write_bytes(artefact.path.read_bytes()[:-40])
    with pytest.raises(AdapterError, match="is no artefact"):
        artefact_layer(artefact, "/srv")


def test_files_are_told_with_their_modes_in_any_order() -> None:
    files = [_file("/etc/site/b.toml", "ü"), _file("/tmp/a", "a", "0600"), _file("/usr/local/bin/run", mode="0755")]
    layer = files_layer(files)
    again = files_layer(files[::-1])
    assert (again.blob.digest, again.origin) == (layer.blob.digest, layer.origin)
    with tarfile.open(fileobj=io.BytesIO(_content(layer))) as archive:
        modes = {member.name: member.mode for member in archive}
        text = archive.extractfile("etc/site/b.toml").read()
    assert text == "ü".encode()
    assert modes["tmp/a"] == 0o600
    assert modes["tmp"] == 0o1777
    assert modes["usr/local/bin/run"] == 0o755
    assert list(modes) == sorted(modes)


@pytest.mark.parametrize("mode", ["644", "420", "0999", "rw-r--r--", "04755", ""])
def test_modes_that_are_none_are_refused(mode: str) -> None:
    with pytest.raises(AdapterError, match=r"/etc/x: mode .* is none\. Write four octal digits"):
        files_layer([_file("/etc/x", mode=mode)])


@pytest.mark.parametrize("path", ["etc/x", "", "/etc/../x", "../x"])
def test_paths_that_are_not_in_the_image_are_refused(path: str) -> None:
    with pytest.raises(AdapterError, match="is no path in the image: it must be absolute"):
        place_in_image(path)


@pytest.mark.parametrize("paths", [("/a", "/a"), ("/a/b", "/a"), ("/",)])
def test_files_in_each_other_s_place_are_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(AdapterError, match=r"is there already|is no directory"):
        files_layer([_file(path) for path in paths])
