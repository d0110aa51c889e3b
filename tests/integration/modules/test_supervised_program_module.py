# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.supervisor_daemon and supervised_program through ansible-playbook, every step twice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.playbook import run_tasks

DAEMON = "nexus.automation.supervisor_daemon"
PROGRAM = "nexus.automation.supervised_program"


def _twice(name: str, task: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": f"{name} (check)", **task, "check_mode": True, "diff": True},
        {"name": name, **task},
        {"name": f"{name} (again)", **task},
        {"name": f"{name} (check again)", **task, "check_mode": True},
    ]


def test_a_daemon_and_a_program_come_up_change_and_go(tmp_path: Path, runtime_dir: Path) -> None:
    home = tmp_path / "supervisor"
    daemon = {"directory": str(home), "runtime_dir": str(runtime_dir)}
    place = {"name": "web-1", "socket": f"{runtime_dir}/supervisor.sock", "config_dir": f"{home}/conf.d"}
    program = {
        **place,
        "command": ["sleep", "1000"],
        "directory": str(home),
        "log_file": f"{home}/web-1.log",
        "environment": {"PORT": 8001},
        "start_wait": 0,
    }
    stop = {DAEMON: {**daemon, "state": "stopped"}}
    run = run_tasks(
        tmp_path,
        [
            {
                "block": [
                    {"name": "Predict the program", PROGRAM: program, "check_mode": True},
                    *_twice("Start the daemon", {DAEMON: daemon}),
                    *_twice("Start the program", {PROGRAM: program}),
                    *_twice("Update the program", {PROGRAM: {**program, "restart_on": "release-2"}}),
                    *_twice("Stop the program", {PROGRAM: {**program, "state": "stopped"}}),
                    *_twice("Remove the program", {PROGRAM: {**place, "state": "absent"}}),
                    *_twice("Stop the daemon", stop),
                ],
                "always": [{"name": "Clean up", **stop}],
            }
        ],
    )
    assert run.returncode == 0, run.output
    assert run.named("Predict the program").changed
    steps = ["Start the daemon", "Start the program", "Update the program", "Stop the program", "Remove the program"]
    for step in (*steps, "Stop the daemon"):
        assert run.named(f"{step} (check)").changed, step
        assert run.named(step).changed, step
        assert not run.named(f"{step} (again)").changed, step
        assert not run.named(f"{step} (check again)").changed, step
    started, updated = run.named("Start the program").result, run.named("Update the program").result
    assert (started["state"], updated["state"]) == ("running", "running")
    assert started["pid"] != updated["pid"]
    assert run.named("Start the program (again)").result["pid"] == started["pid"]
    assert "restart on: release-2" in run.named("Update the program (check)").result["diff"]["after"]
    assert run.named("Stop the program").result["state"] == "stopped"
    assert run.named("Remove the program").result["state"] == "absent"
    assert not run.named("Clean up").changed
    assert list(runtime_dir.iterdir()) == []


def test_hosts_that_share_a_machine_start_one_daemon_and_all_their_programs(tmp_path: Path, runtime_dir: Path) -> None:
    home = tmp_path / "supervisor"
    daemon = {"directory": str(home), "runtime_dir": str(runtime_dir)}
    program = {
        "name": "{{ inventory_hostname }}",
        "socket": f"{runtime_dir}/supervisor.sock",
        "config_dir": f"{home}/conf.d",
        "command": ["sleep", "1000"],
        "directory": str(home),
        "log_file": f"{home}/{{{{ inventory_hostname }}}}.log",
        "start_wait": 0,
    }
    start = [{"name": "Start the daemon", DAEMON: daemon}, {"name": "Start the program", PROGRAM: program}]
    names = {key: value for key, value in program.items() if key in {"socket", "config_dir"}}
    names |= {"names": ["web-1", "web-2", "web-3", "web-4"], "state": "absent"}
    remove = [
        {"name": "Remove all (check)", PROGRAM: names, "check_mode": True, "run_once": True},
        {"name": "Remove all", PROGRAM: names, "run_once": True},
        {"name": "Remove all (again)", PROGRAM: names, "run_once": True},
    ]
    stop = {"name": "Stop", DAEMON: {**daemon, "state": "stopped"}}
    tasks = [{"block": [*start, *remove], "always": [stop]}]
    run = run_tasks(tmp_path, tasks, "--forks", "4", hosts=["web-1", "web-2", "web-3", "web-4"])
    assert run.returncode == 0, run.output
    daemons = [result for result in run.results if result.task == "Start the daemon"]
    assert len({result.result["pid"] for result in daemons}) == 1
    assert sum(result.changed for result in daemons) == 1
    programs = [result for result in run.results if result.task == "Start the program"]
    assert len({result.result["pid"] for result in programs}) == 4
    removed = [run.named(f"Remove all{step}").changed for step in (" (check)", "", " (again)")]
    assert removed == [True, True, False]
    assert list((home / "conf.d").iterdir()) == []


def test_a_program_that_does_not_come_up_fails_with_its_log(tmp_path: Path, runtime_dir: Path) -> None:
    home = tmp_path / "supervisor"
    daemon = {"directory": str(home), "runtime_dir": str(runtime_dir)}
    broken = {
        "name": "broken",
        "socket": f"{runtime_dir}/supervisor.sock",
        "config_dir": f"{home}/conf.d",
        "command": ["sh", "-c", "echo port 8001 is in use; exit 1"],
        "directory": str(home),
        "log_file": f"{home}/broken.log",
        "start_retries": 0,
    }
    start = {"name": "Start the daemon", DAEMON: daemon}
    fail = {"name": "Start the program", PROGRAM: broken}
    stop = {"name": "Stop the daemon", DAEMON: {**daemon, "state": "stopped"}}
    run = run_tasks(tmp_path, [{"block": [start, fail], "always": [stop]}])
    assert run.returncode == 2
    assert run.named("Start the program").message.endswith("The end of " + f"{home}/broken.log:\nport 8001 is in use")
