# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible compile`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tests.projects.registry_text import write_registries
from tests.unit.cli.command_line import run

if TYPE_CHECKING:
    from pathlib import Path

HOSTS = "inventories/lab/hosts"


def _orchestration(replicas: int) -> str:
    scaling = f"{{min_replicas: {replicas}, max_replicas: 9}}"
    return (
        f"orchestration: {{services: {{api: {{scaling: {scaling}}}, z: {{}}}}, environments: {{lab: {{}}, x: {{}}}}}}"
    )


def _contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for directory in ("playbooks", "inventories")
        for path in (root / directory).rglob("*")
        if path.is_file()
    }


def test_compiling_twice_changes_files_once(tmp_path: Path) -> None:
    write_registries(tmp_path)

    first, second = run(tmp_path, "compile"), run(tmp_path, "compile")

    assert (first.returncode, first.stdout) == (0, "4 files, 4 changed\n")
    assert (second.returncode, second.stdout) == (0, "4 files, all up to date\n")


def test_check_writes_nothing_and_ends_with_5_until_files_are_as_they_should_be(tmp_path: Path) -> None:
    write_registries(tmp_path)

    missing = run(tmp_path, "compile", "--check")
    assert (missing.returncode, missing.stdout) == (5, "")
    assert missing.stderr == (
        "inventories/lab/hosts: added\n"
        "playbooks/deployment_lab.yml: added\n"
        "playbooks/platform_down.yml: added\n"
        "playbooks/platform_status.yml: added\n"
        "  Run `nexus-ansible compile` and commit what it writes.\n"
    )
    assert _contents(tmp_path) == {}
    run(tmp_path, "compile")
    assert run(tmp_path, "compile", "--check").returncode == 0


def test_diff_shows_the_lines_that_change(tmp_path: Path) -> None:
    write_registries(tmp_path, orchestration=_orchestration(1))
    run(tmp_path, "compile")
    write_registries(tmp_path, orchestration=_orchestration(2))

    ended = run(tmp_path, "compile", "--check", "--diff")

    assert ended.returncode == 5
    assert f"--- a/{HOSTS}\n+++ b/{HOSTS}\n" in ended.stdout
    assert '-        "service_replicas": 1,\n+        "service_replicas": 2,\n' in ended.stdout


def test_json_lists_files_and_their_differences(tmp_path: Path) -> None:
    write_registries(tmp_path)
    run(tmp_path, "compile")
    (tmp_path / HOSTS).unlink()

    ended = run(tmp_path, "compile", "--json", "--diff")

    told = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert (told["files"], told["written"]) == (4, True)
    assert [(change["path"], change["change"]) for change in told["changes"]] == [(HOSTS, "added")]
    assert told["changes"][0]["diff"].startswith(f"--- a/{HOSTS}\n+++ b/{HOSTS}\n@@ -0,0 +1,")
    assert json.loads(run(tmp_path, "compile", "--json").stdout) == {"files": 4, "changes": [], "written": False}


def test_json_names_what_was_edited_by_hand_before_it_is_refused(tmp_path: Path) -> None:
    write_registries(tmp_path)
    run(tmp_path, "compile")
    (tmp_path / HOSTS).write_text("mine\n", encoding="utf-8")

    ended = run(tmp_path, "compile", "--json")

    assert ended.returncode == 5
    assert json.loads(ended.stdout) == {
        "files": 4,
        "changes": [{"path": HOSTS, "change": "changed", "edited": True}],
        "written": False,
    }


def test_a_file_edited_by_hand_ends_with_5_and_force_writes_over_it(tmp_path: Path) -> None:
    write_registries(tmp_path)
    run(tmp_path, "compile")
    compiled = _contents(tmp_path)
    (tmp_path / HOSTS).write_text("mine\n", encoding="utf-8")

    refused = run(tmp_path, "compile")
    assert (refused.returncode, refused.stdout) == (5, "")
    assert refused.stderr.startswith(f"{HOSTS}: edited by hand, or not written by nexus-ansible.\n")
    assert (tmp_path / HOSTS).read_text("utf-8") == "mine\n"

    assert run(tmp_path, "compile", "--force").stdout == "4 files, 1 changed\n"
    assert _contents(tmp_path) == compiled


def test_hash_seed_directory_and_locale_do_not_change_a_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "a longer name" / "second"
    for root in (first, second):
        write_registries(root, orchestration=_orchestration(3))

    run(first, "compile", PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC")
    run(tmp_path, "compile", "--project", str(second), PYTHONHASHSEED="77", LC_ALL="de_DE.UTF-8", TZ="Asia/Tokyo")

    assert len(_contents(first)) == 6
    assert _contents(first) == _contents(second)


def test_a_read_only_directory_is_told_in_one_sentence(tmp_path: Path) -> None:
    write_registries(tmp_path)
    (tmp_path / "inventories").mkdir(mode=0o555)
    unprivileged = ("setpriv", "--bounding-set", "-dac_override") if os.geteuid() == 0 else ()

    ended = run(tmp_path, "compile", before=unprivileged)

    assert (ended.returncode, ended.stdout) == (7, "")
    assert ended.stderr == (
        f"{tmp_path}: the compiled files cannot be written: Permission denied.\n"
        "  Make room, or the directory writable, and compile again.\n"
    )
    assert _contents(tmp_path) == {}


def test_a_disk_that_takes_no_more_is_told_and_leaves_files_as_they_were(tmp_path: Path) -> None:
    write_registries(tmp_path)
    run(tmp_path, "compile")
    before = _contents(tmp_path)
    write_registries(tmp_path, orchestration=_orchestration(9))

    ended = run(tmp_path, "compile", before=("prlimit", "--fsize=1500"))

    assert (ended.returncode, ended.stdout) == (7, "")
    assert ended.stderr == (
        f"{tmp_path}: the compiled files cannot be written: File too large.\n"
        "  Make room, or the directory writable, and compile again.\n"
    )
    assert _contents(tmp_path) == before
