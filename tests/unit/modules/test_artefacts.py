# SPDX-License-Identifier: Apache-2.0
"""Artefacts are the same bytes for the same source, and are rebuilt exactly when they must be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.artefacts.archive import unpack_archive
from ansible_collections.nexus.automation.plugins.module_utils.artefacts.build import (
    Artefact,
    build_artefact,
    locate_artefact,
    make_recipe,
)
from ansible_collections.nexus.automation.plugins.module_utils.artefacts.python_packages import project_version
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from tests.servers.python_project import write_project


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "source"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "page.html").write_text("<h1>ü</h1>", encoding="utf-8")
    (root / "sub" / "run.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "sub" / "run.sh").chmod(0o700)
    (root / "link").symlink_to("sub/run.sh")
    return root


def _locate(source: Path, dest: Path, version: str = "1.0", ignore: tuple[str, ...] = ()) -> Artefact:
    return locate_artefact(make_recipe("site", version, source, ignore, None), dest)


def _build(source: Path, dest: Path) -> Artefact:
    recipe = make_recipe("site", "1.0", source, (), None)
    artefact = locate_artefact(recipe, dest)
    build_artefact(recipe, artefact)
    return artefact


def _build_python(source: Path, dest: Path) -> Artefact:
    recipe = make_recipe("example", project_version(source), source, (), sys.executable)
    artefact = locate_artefact(recipe, dest)
    build_artefact(recipe, artefact)
    return artefact


def _copy_elsewhere(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, symlinks=True)
    for path in target.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    return target


def test_two_builds_at_different_places_and_times_are_the_same_bytes(source: Path, tmp_path: Path) -> None:
    elsewhere = _copy_elsewhere(source, tmp_path / "somewhere" / "else")
    first, second = _build(source, tmp_path / "a"), _build(elsewhere, tmp_path / "b")
    assert first.path.name == second.path.name
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.digest() == second.digest() != None  # noqa: E711 - one chain of three


def test_an_artefact_says_nothing_of_who_packed_it_and_when(source: Path, tmp_path: Path) -> None:
    artefact = _build(source, tmp_path / "dest")
    with tarfile.open(artefact.path) as archive:
        members = {member.name: member for member in archive}
    assert list(members) == ["link", "page.html", "sub", "sub/empty", "sub/run.sh"]
    for member in members.values():
        assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", 0)
    modes = {name: member.mode for name, member in members.items() if not member.issym()}
    assert modes == {"page.html": 0o644, "sub": 0o755, "sub/empty": 0o755, "sub/run.sh": 0o755}
    header = artefact.path.read_bytes()[:10]
    assert header[3:8] == b"\0\0\0\0\0"  # no name, no time (RFC 1952)


def test_sha256sum_accepts_the_digest_file(source: Path, tmp_path: Path) -> None:
    artefact = _build(source, tmp_path / "dest")
    subprocess.run(
        ["sha256sum", "--check", artefact.digest_file.name], cwd=artefact.path.parent, check=True, timeout=30
    )


def test_what_was_packed_comes_out_again(source: Path, tmp_path: Path) -> None:
    artefact = _build(source, tmp_path / "dest")
    target = tmp_path / "target"
    target.mkdir()
    unpack_archive(artefact.path, target)
    assert (target / "page.html").read_text(encoding="utf-8") == "<h1>ü</h1>"
    assert (target / "link").readlink() == Path("sub/run.sh")
    assert (target / "sub" / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (target / "sub" / "empty").is_dir()


@pytest.mark.parametrize("change", ["content", "name", "mode", "link", "new empty directory", "version"])
def test_every_change_of_the_source_gives_another_artefact(change: str, source: Path, tmp_path: Path) -> None:
    before = _locate(source, tmp_path)
    if change == "content":
        (source / "page.html").write_text("<h1>u</h1>", encoding="utf-8")
    elif change == "name":
        (source / "page.html").rename(source / "page.htm")
    elif change == "mode":
        (source / "page.html").chmod(0o755)
    elif change == "link":
        (source / "link").unlink()
        (source / "link").symlink_to("page.html")
    elif change == "new empty directory":
        (source / "another").mkdir()
    after = _locate(source, tmp_path, version="2.0" if change == "version" else "1.0")
    assert before.release_id != after.release_id


@pytest.mark.parametrize("noise", ["__pycache__/x.pyc", "sub/__pycache__/y.pyc", "note.swp", "sub/drafts/a.txt"])
def test_what_is_ignored_makes_no_difference(noise: str, source: Path, tmp_path: Path) -> None:
    ignore = ("*.swp", "sub/drafts")
    before = _locate(source, tmp_path, ignore=ignore)
    (source / noise).parent.mkdir(parents=True, exist_ok=True)
    (source / noise).write_bytes(b"noise")
    assert _locate(source, tmp_path, ignore=ignore) == before


@pytest.mark.parametrize("damage", ["flip a byte", "cut the end", "remove the digest", "remove the artefact"])
def test_a_damaged_artefact_does_not_count_as_built(damage: str, source: Path, tmp_path: Path) -> None:
    artefact = _build(source, tmp_path)
    content = artefact.path.read_bytes()
    if damage == "flip a byte":
        artefact.path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    elif damage == "cut the end":
        artefact.path.write_bytes(content[:-1])
    elif damage == "remove the digest":
        artefact.digest_file.unlink()
    else:
        artefact.path.unlink()
    assert artefact.digest() is None
    _build(source, tmp_path)
    assert artefact.digest() is not None
    assert artefact.path.read_bytes() == content


def test_nothing_unfinished_is_left_beside_an_artefact(source: Path, tmp_path: Path) -> None:
    artefact = _build(source, tmp_path)
    assert sorted(artefact.path.parent.iterdir()) == sorted([artefact.path, artefact.digest_file])


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "sub/../../outside"])
def test_links_out_of_the_tree_are_refused(target: str, source: Path, tmp_path: Path) -> None:
    (source / "odd").symlink_to(target)
    with pytest.raises(AdapterError, match="odd is a link that leads out of the tree"):
        _locate(source, tmp_path)


def test_devices_and_pipes_are_refused(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "pipe")
    with pytest.raises(AdapterError, match="pipe is neither file, directory nor link"):
        _locate(source, tmp_path)


def test_a_python_artefact_is_the_same_wherever_it_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    source = write_project(tmp_path / "source")
    elsewhere = _copy_elsewhere(source, tmp_path / "far" / "away")
    first, second = _build_python(source, tmp_path / "a"), _build_python(elsewhere, tmp_path / "b")
    assert first.release_id == second.release_id
    assert first.path.read_bytes() == second.path.read_bytes()


def test_a_python_artefact_runs_with_its_pinned_dependency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    source = write_project(tmp_path / "source")
    before = sorted(source.rglob("*"))
    artefact = _build_python(source, tmp_path / "dest")
    assert sorted(source.rglob("*")) == before
    target = tmp_path / "target"
    target.mkdir()
    unpack_archive(artefact.path, target)
    argv = [sys.executable, "-c", "import example; example.main()"]
    shown = subprocess.run(
        argv, env={"PYTHONPATH": str(target)}, capture_output=True, text=True, check=True, timeout=60
    )
    assert shown.stdout == "42\n"
    names = {path.name for path in target.rglob("*") if "__pycache__" not in path.parts}
    assert "METADATA" in names
    assert not names & {"RECORD", "INSTALLER", "direct_url.json", "REQUESTED"}
    assert not list((target / "bin").glob("*"))


def test_a_dependency_with_another_digest_stops_the_build(tmp_path: Path) -> None:
    source = write_project(tmp_path / "source")
    with (source / "wheels" / "pinned-1.0-py3-none-any.whl").open("ab") as stream:
        stream.write(b"tampered")
    with pytest.raises(AdapterError, match="DO NOT MATCH THE HASHES"):
        _build_python(source, tmp_path / "dest")
    assert list((tmp_path / "dest" / "example").iterdir()) == []


def test_a_python_project_without_a_lock_is_told_how_to_write_one(tmp_path: Path) -> None:
    source = write_project(tmp_path / "source")
    (source / "requirements.lock").unlink()
    with pytest.raises(AdapterError, match=r"requirements\.lock is missing.*uv pip compile"):
        make_recipe("example", "1", source, (), sys.executable)


@pytest.mark.parametrize(
    "text", ["[project]\nname = 'x'\n[tool.x]\nversion = '1'\n", "[project]\ndynamic = ['version']\n", "[tool]\n"]
)
def test_a_version_that_is_not_written_down_has_to_be_given(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(AdapterError, match=r"has no `version` under \[project\]. Give `version`."):
        project_version(tmp_path)


@pytest.mark.parametrize(("name", "version"), [("../up", "1"), ("a b", "1"), ("ok", "1/2"), ("", "1"), ("ok", "")])
def test_names_and_versions_that_are_no_path_components_are_refused(name: str, version: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="use letters, digits"):
        make_recipe(name, version, tmp_path, (), None)
