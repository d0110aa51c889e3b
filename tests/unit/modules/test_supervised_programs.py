# SPDX-License-Identifier: Apache-2.0
"""Programs under a real supervisord."""

from __future__ import annotations

import dataclasses
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError, UnreachableError
from ansible_collections.nexus.automation.plugins.module_utils.processes import read_process
from ansible_collections.nexus.automation.plugins.module_utils.supervision import UnitState
from ansible_collections.nexus.automation.plugins.module_utils.supervision.program import (
    Program,
    apply_program,
    configuration_file,
    is_as_wanted,
    remove_programs,
    render_program,
    require_startable,
)
from ansible_collections.nexus.automation.plugins.module_utils.supervision.supervisor import SupervisorSupervision
from ansible_collections.nexus.automation.plugins.module_utils.supervision.supervisord_client import (
    SupervisordClient,
)
from tests.servers.supervisord import SupervisordServer
from tests.servers.waiting import wait_until

WAIT_FOR_EVER = [sys.executable, "-c", "import signal; signal.pause()"]
REPORT = "json.dump([sys.argv[1:], dict(os.environ), os.getcwd()], open('told', 'w'))"
TELL = f"import json, os, signal, sys; {REPORT}; signal.pause()"


@pytest.fixture
def client(supervisord: SupervisordServer) -> SupervisordClient:
    return SupervisordClient(str(supervisord.socket))


@pytest.fixture
def program(supervisord: SupervisordServer) -> Program:
    home = supervisord.directory / "home"
    home.mkdir()
    return Program("sleeper", WAIT_FOR_EVER, home, {}, supervisord.directory / "sleeper.log", start_wait=0)


def _pid(client: SupervisordClient, name: str = "sleeper") -> int:
    pid = SupervisorSupervision(client).status(name).pid
    assert pid is not None
    return pid


def _gone(pid: int) -> bool:
    process = read_process(pid)
    return process is None or not process.alive


def test_a_new_program_runs_and_stays_when_applied_again(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    apply_program(program, supervisord.config_dir, client)
    pid = _pid(client)
    assert is_as_wanted(program, supervisord.config_dir, SupervisorSupervision(client).status("sleeper"))
    apply_program(program, supervisord.config_dir, client)
    assert _pid(client) == pid


def test_another_digest_restarts_the_program(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    apply_program(program, supervisord.config_dir, client)
    pid = _pid(client)
    changed = dataclasses.replace(program, restart_on="sha256:2")
    assert not is_as_wanted(changed, supervisord.config_dir, SupervisorSupervision(client).status("sleeper"))
    apply_program(changed, supervisord.config_dir, client)
    assert _pid(client) != pid
    assert _gone(pid)


@pytest.mark.parametrize(
    "word",
    [
        "plain",
        "two words",
        "a ;b",
        "a #b",
        ";",
        "#",
        "%(here)s 100%",
        "it's",
        '"double"',
        "$HOME `id` \\n",
        "\t;x",
        "",
        "ü€",
    ],
)
def test_every_argument_and_variable_reaches_the_program_unchanged(
    word: str, program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    teller = dataclasses.replace(
        program, command=[sys.executable, "-c", TELL, word, "last"], environment={"FIRST": word, "SECOND": f"x{word}"}
    )
    apply_program(teller, supervisord.config_dir, client)
    told = program.directory / "told"
    wait_until(lambda: told.exists() and told.stat().st_size, "the program's report")
    arguments, environment, directory = json.loads(told.read_text(encoding="utf-8"))
    assert arguments == [word, "last"]
    assert (environment["FIRST"], environment["SECOND"]) == (word, f"x{word}")
    assert directory == str(program.directory)


def test_a_percent_sign_in_paths_is_kept(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    home = supervisord.directory / "100%s"
    home.mkdir()
    odd = dataclasses.replace(program, directory=home, log_file=home / "%(x)s.log")
    apply_program(odd, supervisord.config_dir, client)
    assert (home / "%(x)s.log").exists()


def test_a_program_that_fails_carries_the_end_of_its_log(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    failing = dataclasses.replace(
        program, command=["sh", "-c", "echo cannot reach the database; exit 7"], start_wait=1, start_retries=0
    )
    with pytest.raises(AdapterError) as caught:
        apply_program(failing, supervisord.config_dir, client)
    assert "sleeper does not run (FATAL Exited too quickly" in str(caught.value)
    assert str(caught.value).endswith("cannot reach the database")


def test_a_failed_program_is_started_when_applied_again(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    flag = program.directory / "ready"
    fragile = dataclasses.replace(
        program, command=["sh", "-c", f"test -e {flag} && exec sleep 1000"], start_wait=1, start_retries=0
    )
    with pytest.raises(AdapterError):
        apply_program(fragile, supervisord.config_dir, client)
    flag.touch()
    apply_program(fragile, supervisord.config_dir, client)
    assert SupervisorSupervision(client).status("sleeper").state is UnitState.RUNNING


def test_a_stopped_program_leaves_no_descendant(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    child = program.directory / "child"
    family = dataclasses.replace(program, command=["sh", "-c", f"sleep 1000 & echo $! > {child}; wait"])
    apply_program(family, supervisord.config_dir, client)
    wait_until(lambda: child.exists() and child.read_text(encoding="utf-8"), "the child's pid")
    pid = int(child.read_text(encoding="utf-8"))
    stopped = dataclasses.replace(family, autostart=False)
    apply_program(stopped, supervisord.config_dir, client)
    assert _gone(pid)
    assert SupervisorSupervision(client).status("sleeper").state is UnitState.STOPPED
    assert is_as_wanted(stopped, supervisord.config_dir, SupervisorSupervision(client).status("sleeper"))


def test_programs_that_are_removed_together_stop_at_the_same_time(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient, tmp_path: Path
) -> None:
    marks = {name: tmp_path / f"{name}.asked" for name in ("one", "two")}
    ended = {name: tmp_path / f"{name}.ended" for name in marks}
    for name, other in (("one", "two"), ("two", "one")):
        # Each ends only when the other was asked to end as well.
        wait = f"touch {marks[name]}; until [ -e {marks[other]} ]; do sleep 0.05; done; touch {ended[name]}; exit 0"
        command = ["sh", "-c", f"trap '{wait}' TERM; while :; do sleep 0.05; done"]
        apply_program(dataclasses.replace(program, name=name, command=command), supervisord.config_dir, client)
    remove_programs(list(marks), supervisord.config_dir, client, 10)
    assert [path.exists() for path in ended.values()] == [True, True]
    assert {SupervisorSupervision(client).status(name).state for name in marks} == {UnitState.ABSENT}
    assert list(supervisord.config_dir.iterdir()) == []


def test_a_removed_program_is_unknown_and_has_no_file(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    apply_program(program, supervisord.config_dir, client)
    pid = _pid(client)
    remove_programs(["sleeper"], supervisord.config_dir, client, 10)
    assert _gone(pid)
    assert SupervisorSupervision(client).status("sleeper").state is UnitState.ABSENT
    assert list(supervisord.config_dir.iterdir()) == []


def test_a_file_written_without_a_restart_is_never_left_running_the_old_command(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    """What a crash leaves at each step of a change ends in the new command running."""
    changed = dataclasses.replace(program, restart_on="2")
    apply_program(program, supervisord.config_dir, client)
    supervision = SupervisorSupervision(client)
    supervision.stop("sleeper", 10)
    assert not is_as_wanted(changed, supervisord.config_dir, supervision.status("sleeper"))
    client.remove_group("sleeper")
    configuration_file(supervisord.config_dir, "sleeper").write_text(render_program(changed), encoding="utf-8")
    assert not is_as_wanted(changed, supervisord.config_dir, supervision.status("sleeper"))
    apply_program(changed, supervisord.config_dir, client)
    assert is_as_wanted(changed, supervisord.config_dir, supervision.status("sleeper"))


def test_eight_programs_come_up_and_change_side_by_side(
    program: Program, supervisord: SupervisordServer, client: SupervisordClient
) -> None:
    programs = [dataclasses.replace(program, name=f"web-{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for digest in ("first", "second"):
            wanted = [dataclasses.replace(one, restart_on=digest) for one in programs]
            list(pool.map(lambda one: apply_program(one, supervisord.config_dir, client), wanted))
            for one in wanted:
                assert is_as_wanted(one, supervisord.config_dir, SupervisorSupervision(client).status(one.name))


def test_everything_missing_is_named_at_once(tmp_path: Path) -> None:
    lost = Program("lost", ["/no/such/program"], tmp_path / "nowhere", {}, tmp_path / "logs" / "lost.log")
    with pytest.raises(AdapterError) as caught:
        require_startable(lost)
    assert str(caught.value) == (
        f"program lost cannot start: its directory {tmp_path}/nowhere does not exist; "
        f"the directory of its log, {tmp_path}/logs, does not exist; "
        "its command /no/such/program is no executable program. Create what is missing first."
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command": ["a\nb"]}, "cannot hold line breaks"),
        ({"command": []}, "empty command"),
        ({"environment": {"A B": "x"}}, "environment variable 'A B'"),
        ({"log_file": Path("/a ;b/log")}, "cannot read a path"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(change: dict[str, object], message: str, tmp_path: Path) -> None:
    program = Program("odd", ["true"], tmp_path, {}, tmp_path / "log")
    with pytest.raises(AdapterError, match=message):
        render_program(dataclasses.replace(program, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a:b", "a b", "../up", "", ".hidden"])
def test_names_that_supervisord_or_the_folder_cannot_take_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match="use letters, digits"):
        configuration_file(tmp_path, name)


def test_a_missing_daemon_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError) as caught:
        SupervisordClient(f"{tmp_path}/none.sock").pid()
    assert str(caught.value) == (
        f"supervisord at {tmp_path}/none.sock does not answer: no such file or directory. "
        "Start it with nexus.automation.supervisor_daemon, or correct the socket's path."
    )
