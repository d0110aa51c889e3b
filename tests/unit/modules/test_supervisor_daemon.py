# SPDX-License-Identifier: Apache-2.0
"""The life of a daemonised supervisord."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.processes import command_line, read_process
from ansible_collections.nexus.automation.plugins.module_utils.supervision.daemon import (
    Daemon,
    orphans,
    running_pid,
    start_daemon,
    stop_daemon,
    unreachable_daemons,
)
from ansible_collections.nexus.automation.plugins.module_utils.supervision.program import Program, apply_program
from ansible_collections.nexus.automation.plugins.module_utils.supervision.supervisor import SupervisorSupervision
from tests.servers.waiting import wait_until

LIMIT_S = 20.0


@pytest.fixture
def daemon(tmp_path: Path, runtime_dir: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path / "supervisor", runtime_dir, sys.executable)
    yield daemon
    stop_daemon(daemon, LIMIT_S)
    assert not unreachable_daemons(daemon)
    assert not orphans(daemon)


def _alive(pid: int) -> bool:
    process = read_process(pid)
    return process is not None and process.alive


def _run_sleeper(daemon: Daemon) -> int:
    program = Program("sleeper", ["sleep", "1000"], daemon.directory, {}, daemon.directory / "log", start_wait=0)
    apply_program(program, daemon.config_dir, daemon.client)
    pid = SupervisorSupervision(daemon.client).status("sleeper").pid
    assert pid is not None
    return pid


def test_a_started_daemon_is_detached_and_knows_nothing_of_the_run(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXUS_RUN_MARKER", "marker")
    monkeypatch.setenv("ANSIBLE_CONFIG", "config")
    monkeypatch.setenv("LANG", "C.UTF-8")
    pid = start_daemon(daemon, LIMIT_S)
    environment = dict(
        word.decode().split("=", 1) for word in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if word
    )
    assert environment.keys() <= {"PATH", "HOME", "LANG", "TZ"}
    assert environment["LANG"] == "C.UTF-8"
    assert os.getsid(pid) not in {os.getsid(0), os.getpid()}
    open_files = {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    assert not [name for name in open_files if name.startswith("pipe:")]


def test_stopping_ends_every_process_and_removes_the_socket(daemon: Daemon) -> None:
    pid = start_daemon(daemon, LIMIT_S)
    program = _run_sleeper(daemon)
    stop_daemon(daemon, LIMIT_S)
    assert not _alive(pid)
    assert not _alive(program)
    assert not daemon.socket.exists()


def test_a_killed_daemon_is_replaced_and_its_orphans_are_ended(daemon: Daemon) -> None:
    old = start_daemon(daemon, LIMIT_S)
    program = _run_sleeper(daemon)
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: not _alive(old), "the end of supervisord")
    assert [orphan.pid for orphan in orphans(daemon)] == [program]
    assert daemon.socket.exists()
    new = start_daemon(daemon, LIMIT_S)
    assert new != old
    assert not _alive(program)
    assert running_pid(daemon) == new


def test_a_daemon_whose_socket_was_removed_is_replaced(daemon: Daemon) -> None:
    old = start_daemon(daemon, LIMIT_S)
    daemon.socket.unlink()
    assert [process.pid for process in unreachable_daemons(daemon)] == [old]
    new = start_daemon(daemon, LIMIT_S)
    assert not _alive(old)
    assert command_line(new)[-1] == str(daemon.configuration_file)


def test_a_stopped_daemon_can_be_stopped_again(daemon: Daemon) -> None:
    stop_daemon(daemon, LIMIT_S)
    assert running_pid(daemon) is None


def test_a_runtime_directory_that_is_too_long_is_refused_before_anything_happens(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    with pytest.raises(AdapterError) as caught:
        Daemon(tmp_path, long, sys.executable)
    socket = f"{long}/supervisor.sock"
    assert str(caught.value) == (
        f"{socket}: a Unix socket's path may have 99 bytes here, this one has {len(socket)}. "
        "Choose a shorter runtime directory, for example one below /run or /tmp."
    )


def test_the_longest_allowed_socket_path_works(tmp_path: Path, runtime_dir: Path) -> None:
    room = 99 - len(str(runtime_dir)) - len("//supervisor.sock")
    daemon = Daemon(tmp_path / "supervisor", runtime_dir / ("x" * room), sys.executable)
    assert len(str(daemon.socket)) == 99
    try:
        assert start_daemon(daemon, LIMIT_S) == running_pid(daemon)
    finally:
        stop_daemon(daemon, LIMIT_S)


def test_a_python_without_supervisor_is_named(tmp_path: Path, runtime_dir: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho no module named supervisor >&2; exit 1\n", encoding="utf-8")
    interpreter.chmod(0o755)
    with pytest.raises(AdapterError, match=r"supervisord did not start; .*python -m .*\n.*no module named supervisor"):
        start_daemon(Daemon(tmp_path / "supervisor", runtime_dir, str(interpreter)), LIMIT_S)
