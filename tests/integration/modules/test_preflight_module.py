# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.preflight through ansible-playbook, every step twice."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from ansible_collections.nexus.automation.plugins.module_utils.preflight.listeners import find_listeners
from tests.servers.playbook import run_tasks
from tests.servers.ports import free_port
from tests.servers.supervisord import SupervisordServer
from tests.servers.waiting import wait_until

PREFLIGHT = "nexus.automation.preflight"
HOLD = "import signal, socket, sys; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); signal.pause()"


def test_a_host_that_has_everything_passes_twice_and_in_check_mode(tmp_path: Path) -> None:
    check = {
        PREFLIGHT: {
            "ports": [{"port": free_port(), "needed_by": "backend-1"}],
            "directories": [{"path": str(tmp_path / "new"), "needed_by": "database", "free_bytes": 1}],
            "programs": [{"name": "sh", "needed_by": "backend-1"}],
        }
    }
    names = ["Check", "Check again"]
    tasks = [{"name": name, **check} for name in names]
    run = run_tasks(tmp_path, [*tasks, {"name": "Check in check mode", **check, "check_mode": True}])
    assert run.returncode == 0, run.output
    for name in (*names, "Check in check mode"):
        assert not run.named(name).changed
        assert run.named(name).result["problems"] == []
    assert not (tmp_path / "new").exists()


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        needs = {
            "ports": [{"port": port, "needed_by": "backend-1"}],
            "directories": [{"path": "/dev/null/data", "needed_by": "database"}],
            "programs": [{"name": "no-such-program", "needed_by": "cache"}],
        }
        run = run_tasks(
            tmp_path,
            [
                {"name": "List", PREFLIGHT: {**needs, "fail_on_problems": False}},
                {"name": "Fail", PREFLIGHT: needs},
            ],
        )
    assert run.returncode == 2
    problems = run.named("List").result["problems"]
    assert len(problems) == 3
    assert f"port {port} of 127.0.0.1 is held by process {os.getpid()} " in problems[0]
    assert run.named("Fail").message == "3 problems:\n" + "\n".join(f"  {problem}" for problem in problems)


def test_a_port_held_by_the_program_that_shall_have_it_is_fine(tmp_path: Path, supervisord: SupervisordServer) -> None:
    port = free_port()
    program = {
        "name": "backend-1",
        "socket": str(supervisord.socket),
        "config_dir": str(supervisord.config_dir),
        "command": [sys.executable, "-c", HOLD, str(port)],
        "directory": str(tmp_path),
        "log_file": str(tmp_path / "backend.log"),
        "start_wait": 0,
    }
    assert run_tasks(tmp_path / "start", [{"nexus.automation.supervised_program": program}]).returncode == 0
    wait_until(lambda: find_listeners(port), "the program's listening")
    need = {"port": port, "needed_by": "backend-1", "programs": ["backend-1"]}
    run = run_tasks(
        tmp_path / "check",
        [
            {"name": "With socket", PREFLIGHT: {"ports": [need], "socket": str(supervisord.socket)}},
            {"name": "Without its daemon", PREFLIGHT: {"ports": [need], "socket": "/nowhere.sock"}},
        ],
    )
    assert run.named("With socket").outcome == "ok", run.output
    assert "is held by process" in run.named("Without its daemon").message
