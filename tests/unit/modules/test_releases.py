# SPDX-License-Identifier: Apache-2.0
"""Releases appear whole, are repaired, and old ones go."""

from __future__ import annotations

import io
import multiprocessing
import tarfile
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.artefacts.build import (
    Artefact,
    build_artefact,
    locate_artefact,
    make_recipe,
)
from ansible_collections.nexus.automation.plugins.module_utils.artefacts.releases import (
    install_release,
    is_installed,
    list_releases,
    superfluous_releases,
    verify_artefact,
)
from ansible_collections.nexus.automation.plugins.module_utils.artefacts.source_tree import file_digest
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.files import locked


def _artefact(directory: Path, version: str = "1.0") -> Artefact:
    source = directory / f"source-{version}"
    (source / "sub").mkdir(parents=True, exist_ok=True)
    (source / "page").write_text(f"version {version}", encoding="utf-8")
    (source / "sub" / "link").symlink_to("../page")
    recipe = make_recipe("site", version, source, (), None)
    artefact = locate_artefact(recipe, directory / "artefacts")
    build_artefact(recipe, artefact)
    return artefact


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    directory = tmp_path / "releases"
    directory.mkdir()
    return directory


def _archive(path: Path, *members: tarfile.TarInfo) -> Artefact:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return Artefact(path, path.name.replace(".tar.gz", ""))


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, link, 1 if kind == tarfile.REGTYPE else 0
    return member


def test_an_unpacked_release_is_recognised(tmp_path: Path, releases: Path) -> None:
    artefact = _artefact(tmp_path)
    assert not is_installed(artefact, releases)
    install_release(artefact, releases)
    assert is_installed(artefact, releases)
    assert (releases / artefact.release_id / "sub" / "link").read_text(encoding="utf-8") == "version 1.0"
    assert (releases / artefact.release_id).stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("damage", ["change a file", "remove a file", "change a link", "remove the mark"])
def test_a_damaged_release_is_noticed_and_replaced(damage: str, tmp_path: Path, releases: Path) -> None:
    artefact = _artefact(tmp_path)
    install_release(artefact, releases)
    place = releases / artefact.release_id
    if damage == "change a file":
        (place / "page").write_text("version 6.6", encoding="utf-8")
    elif damage == "remove a file":
        (place / "page").unlink()
    elif damage == "change a link":
        (place / "sub" / "link").unlink()
        (place / "sub" / "link").symlink_to("nowhere")
    else:
        (place / ".nexus-release.json").unlink()
    assert not is_installed(artefact, releases)
    install_release(artefact, releases)
    assert is_installed(artefact, releases)


def test_what_a_program_adds_to_its_release_is_no_damage(tmp_path: Path, releases: Path) -> None:
    artefact = _artefact(tmp_path)
    install_release(artefact, releases)
    (releases / artefact.release_id / "__pycache__").mkdir()
    assert is_installed(artefact, releases)


def test_remains_of_a_crash_are_cleaned_and_the_release_is_unpacked_anew(tmp_path: Path, releases: Path) -> None:
    artefact = _artefact(tmp_path)
    remains = releases / ".unpacking-crashed"
    remains.mkdir()
    (remains / "half").write_text("x", encoding="utf-8")
    install_release(artefact, releases)
    assert is_installed(artefact, releases)
    assert not remains.exists()


@pytest.mark.parametrize(
    "member",
    [
        _member("../outside"),
        _member("/outside"),
        _member("a/../../outside"),
        _member("link", tarfile.SYMTYPE, "../../outside"),
        _member("link", tarfile.SYMTYPE, "/etc"),
        _member("hard", tarfile.LNKTYPE, "/etc/passwd"),
        _member("device", tarfile.CHRTYPE),
        _member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name} {member.linkname}",
)
def test_members_that_leave_the_release_are_refused(member: tarfile.TarInfo, tmp_path: Path, releases: Path) -> None:
    artefact = _archive(tmp_path / "evil-1.tar.gz", _member("good"), member)
    with pytest.raises(AdapterError, match="leaves the release"):
        install_release(artefact, releases)
    assert not (tmp_path / "outside").exists()
    assert list(releases.iterdir()) == []


def test_a_member_cannot_be_written_through_a_link(tmp_path: Path, releases: Path) -> None:
    inner = [_member("dir", tarfile.DIRTYPE), _member("dir/here", tarfile.SYMTYPE, ".."), _member("dir/here/x")]
    install_release(_archive(tmp_path / "odd-1.tar.gz", *inner), releases)
    assert (releases / "odd-1" / "x").read_text(encoding="utf-8") == "x"
    overwrite = [_member("link", tarfile.SYMTYPE, "target"), _member("link")]
    with pytest.raises(AdapterError, match="leaves the release"):
        install_release(_archive(tmp_path / "odd-2.tar.gz", *overwrite), releases)


def test_a_damaged_artefact_is_never_unpacked(tmp_path: Path) -> None:
    artefact = _artefact(tmp_path)
    wanted = file_digest(artefact.path)
    with artefact.path.open("ab") as stream:
        stream.write(b"x")
    for given in (None, wanted):
        with pytest.raises(AdapterError, match=rf"is damaged: its SHA-256 is .* instead of {wanted}"):
            verify_artefact(artefact.path, given)


def test_a_given_digest_counts_more_than_the_one_beside(tmp_path: Path) -> None:
    artefact = _artefact(tmp_path)
    with pytest.raises(AdapterError, match="instead of 00"):
        verify_artefact(artefact.path, "00")
    assert verify_artefact(artefact.path, file_digest(artefact.path).upper()) == artefact


def test_an_artefact_without_a_digest_is_refused(tmp_path: Path) -> None:
    artefact = _artefact(tmp_path)
    artefact.digest_file.unlink()
    with pytest.raises(AdapterError, match=r"\.sha256 is missing. Give `sha256`"):
        verify_artefact(artefact.path, None)


def test_the_newest_releases_and_those_in_use_are_kept(tmp_path: Path, releases: Path) -> None:
    names = []
    for number in range(6):
        artefact = _artefact(tmp_path, f"{number}.0")
        install_release(artefact, releases)
        names.append(artefact.release_id)
    (releases / "made-by-hand").mkdir()
    assert [release.release_id for release in list_releases(releases)] == names[::-1]
    removed = [release.release_id for release in superfluous_releases(releases, names[5], 3, [names[1]])]
    assert removed == [names[2], names[0]]
    rolled_back = [release.release_id for release in superfluous_releases(releases, names[0], 2, [])]
    assert rolled_back == [names[4], names[3], names[2], names[1]]


def _install(directory: Path, releases: Path) -> None:
    artefact = verify_artefact(directory, None)
    with locked(releases):
        if not is_installed(artefact, releases):
            install_release(artefact, releases)


def test_many_processes_unpack_the_same_release_once(tmp_path: Path, releases: Path) -> None:
    artefact = _artefact(tmp_path)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_install, args=(artefact.path, releases)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert is_installed(artefact, releases)
    assert sorted(path.name for path in releases.iterdir()) == [".lock", artefact.release_id]
