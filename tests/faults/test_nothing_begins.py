# SPDX-License-Identifier: Apache-2.0
"""What can be known before a run begins is said before it begins, and nothing is touched."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.faults.command import edit, ends, environment, nexus, records, said_plainly, shell, tree
from tests.faults.mounts import Mounts

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
RUN = ("run", "chores.daily")


@pytest.mark.parametrize("what", [".", ".nexus", ".nexus/runs", ".nexus/locks"])
def test_a_read_only_directory_is_named_and_nothing_runs(project: Path, mounts: Mounts, what: str) -> None:
    for directory in ("runs", "locks"):
        (project / ".nexus" / directory).mkdir(parents=True)
    before = tree(project)
    mounts.read_only(project / what)
    done = nexus(project, *RUN, before=mounts.inside(project))
    assert said_plainly(done, 7, "Read-only file system. Nothing was touched.", str(project / ".nexus"))
    assert {path for path in tree(project) if not path.startswith(".nexus/locks/")} == before.keys()
    assert not ends(project)


def test_a_read_only_ledger_is_named_and_nothing_runs(project: Path, mounts: Mounts) -> None:
    assert nexus(project, *RUN).returncode == 0
    mounts.read_only(project / ".nexus" / "ledger")
    before = tree(project / ".nexus" / "ledger")
    for _ in range(3):  # whether Ansible or the recorder is first is a matter of luck
        done = nexus(project, *RUN, before=mounts.inside(project))
        assert said_plainly(done, 9, str(project / ".nexus" / "ledger"), "Read-only file system. Nothing was recorded.")
        assert "first" not in done.stderr
    assert tree(project / ".nexus" / "ledger") == before
    assert nexus(project, *RUN).returncode == 0
    assert ends(project) == ["ok", "ok"]


@pytest.mark.parametrize("arguments", [RUN, ("status",), ("down", "lab", "--yes"), ("resume", "2")])
def test_the_state_of_somebody_else_is_left_alone(project: Path, arguments: tuple[str, ...], mounts: Mounts) -> None:
    assert nexus(project, *RUN).returncode == 0
    before = tree(project)
    project.parent.chmod(0o755)
    mounts.mount("--bind", project.parent, "/mnt")  # the directories above it let nobody else in
    found = Path("/mnt") / project.name
    env = environment(project, HOME="/nonexistent", TMPDIR="/var/tmp")
    done = nexus(project, *arguments, before=(*mounts.inside(found), *NOBODY), env=env, cwd="/")
    assert said_plainly(done, 7, "Permission denied. Nothing was touched.")
    assert tree(project) == before


@pytest.mark.parametrize("limit", ["nr_inodes=2", "size=4k"])
def test_a_state_directory_without_room_stops_a_run_before_it_begins(project: Path, mounts: Mounts, limit: str) -> None:
    state = project / ".nexus"
    state.mkdir()
    mounts.mount("-t", "tmpfs", "-o", limit, "none", state)
    done = nexus(project, *RUN, before=mounts.inside(project))
    assert said_plainly(done, 7, "No space left on device. Nothing was touched.", str(state))
    mounts.mount("-o", "remount,size=10m,nr_inodes=1000", state)
    assert nexus(project, *RUN, before=mounts.inside(project)).returncode == 0
    verified = nexus(project, "audit", "verify", "--json", before=mounts.inside(project))
    assert json.loads(verified.stdout)["intact"] is True


@pytest.mark.parametrize("room", ["40k", "64k", "88k"])
def test_a_disk_that_fills_up_ends_a_run_in_a_defined_way(project: Path, mounts: Mounts, room: str) -> None:
    talk = [{"name": f"Talk {n}", "ansible.builtin.debug": {"msg": os.urandom(2000).hex()}} for n in range(25)]
    (project / "roles" / "chores" / "tasks" / "first.yml").write_text(json.dumps(talk))
    state = project / ".nexus"
    state.mkdir()
    mounts.mount("-t", "tmpfs", "-o", f"size={room}", "none", state)
    done = nexus(project, *RUN, before=mounts.inside(project))
    assert done.returncode in {7, 9}, done.stderr
    assert said_plainly(done, done.returncode, "No space left on device", str(state))
    mounts.mount("-o", "remount,size=10m", state)
    again = nexus(project, *RUN, before=mounts.inside(project))
    assert said_plainly(again, 0)
    verified = nexus(project, "audit", "verify", before=mounts.inside(project))
    assert said_plainly(verified, 0)


@pytest.mark.parametrize("arguments", [("compile",), ("run", "chores.daily"), ("plan", "lab"), ("status",)])
def test_compiled_files_that_cannot_be_written_are_refused(
    project: Path, mounts: Mounts, arguments: tuple[str, ...]
) -> None:
    edit(project, "automation", lambda data: data["automation"].update(project="other"))
    before = tree(project)
    mounts.read_only(project)
    done = nexus(project, *arguments, before=mounts.inside(project))
    assert said_plainly(done, 7, f"{project}: the compiled files cannot be written: Read-only file system.")
    assert tree(project) == before


def test_a_picture_and_a_new_project_that_cannot_be_written_are_refused(used: Path, mounts: Mounts) -> None:
    (used.parent / "picture").mkdir(exist_ok=True)
    small = used.parent / "picture"
    mounts.mount("-t", "tmpfs", "-o", "size=64k", "none", small)
    full = nexus(used, "init", str(small / "shop"), before=mounts.inside(used))
    assert said_plainly(full, 7, f"{small / 'shop'}: ", "No space left on device")
    assert mounts.call("find", str(small), "-type", "f") == ""
    mounts.mount("-o", "remount,ro", small)
    for arguments in (("graph", "lab", "--output", str(small / "a.svg")), ("init", str(small / "shop"))):
        done = nexus(used, *arguments, before=mounts.inside(used))
        assert said_plainly(done, 7, str(small), "cannot be written: Read-only file system")
    taken = nexus(used, "init", str(used))
    assert said_plainly(taken, 7, "Choose another directory.")


def test_the_lock_of_a_dead_run_holds_nobody_up(project: Path) -> None:
    locks = project / ".nexus" / "locks"
    locks.mkdir(parents=True)
    (locks / "lab").write_text('{"run": "19990101-000000-abcdef", "pid": 1, "host": "gone", "started": "1999"}')
    (locks / "lab").chmod(0o600)
    assert said_plainly(nexus(project, *RUN), 0)


@pytest.mark.parametrize("rest", ["", "{", '{"run": "x"}', "[]", "\0"])
def test_what_a_power_cut_left_of_a_run_harms_no_command(project: Path, rest: str) -> None:
    run = project / ".nexus" / "runs" / "20200101-000000-abcdef"
    run.mkdir(parents=True)
    (run / "state.json").write_text(rest)
    (run.parent / "open").mkdir()
    (run.parent / "open" / run.name).touch()
    assert said_plainly(nexus(project, *RUN), 0)
    assert said_plainly(nexus(project, "resume", run.name), 7, f"{run / 'state.json'}: damaged.")
    assert said_plainly(nexus(project, "status"), 0)


def test_a_clock_that_jumps_between_runs_is_named_by_verify(project: Path) -> None:
    assert nexus(project, *RUN).returncode == 0
    known = len(records(project))
    assert nexus(project, *RUN, before=("unshare", "--time", "--boottime", "90000", "--fork")).returncode == 0
    done = nexus(project, "audit", "verify")
    assert said_plainly(done, 9, "clock", f"record {known}")


@pytest.mark.parametrize("command", ["nexus run chores.daily", "nexus plan lab --static", "nexus status"])
def test_a_project_path_that_ansible_would_evaluate_is_refused(compiled: Path, tmp_path: Path, command: str) -> None:
    for name in ("costs $HOME", "is {{ this }}", "a {# note", "50 {% off"):
        project = Path(shutil.copytree(compiled, tmp_path / name))
        done = shell(project, command)
        assert said_plainly(done, 7, f"{project}: Ansible takes a part of this path for a variable or a template.")
        assert not (project / ".nexus").exists()
