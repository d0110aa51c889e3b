# SPDX-License-Identifier: Apache-2.0
"""What `automation.policies` and `security.compliance` say holds for real runs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.projects import make_project, nexus

PROGRAM = "import os, resource; print(len(os.sched_getaffinity(0)), resource.getrlimit(resource.RLIMIT_DATA)[0])"
CPUS = str(len(os.sched_getaffinity(0)))
SYSTEM_LOG = Path("/dev/log")


def command(*argv: str) -> list[dict[str, Any]]:
    return [{"name": "Do it", "ansible.builtin.command": {"argv": list(argv)}, "changed_when": False}]


def policies(**sections: Any) -> dict[str, Any]:
    return {"automation": {"automation": {"policies": sections}}}


def printed(project: Path) -> str:
    """What the last run's command printed, from the ledger."""
    exported = nexus(project, "audit", "export", "--format", "jsonl")
    assert exported.returncode == 0, exported.stderr
    outputs = [
        record["payload"]["result"]["stdout"]
        for record in map(json.loads, exported.stdout.splitlines())
        if "stdout" in ((record.get("payload") or {}).get("result") or {})
    ]
    return str(outputs[-1])


def test_the_processes_of_a_run_keep_to_the_limits_of_the_registry(tmp_path: Path) -> None:
    limits = policies(execution={"resource_limits": {"cpu": "500m", "memory": "700Mi"}})
    project = make_project(tmp_path / "p", {"first": command(sys.executable, "-c", PROGRAM)}, limits)

    assert nexus(project, "run", "chores.daily").returncode == 0
    assert printed(project) == f"1 {700 << 20}"


def test_a_process_that_wants_more_memory_than_the_limit_fails(tmp_path: Path) -> None:
    limits = policies(execution={"resource_limits": {"memory": "500Mi"}})
    greedy = command(sys.executable, "-c", "bytearray(600 << 20)")
    project = make_project(tmp_path / "p", {"first": greedy}, limits)

    done = nexus(project, "run", "chores.daily")

    assert done.returncode == 6
    assert "MemoryError" in done.stderr


def test_without_limits_a_run_may_use_the_whole_machine(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"first": command(sys.executable, "-c", PROGRAM)})

    assert nexus(project, "run", "chores.daily").returncode == 0
    assert printed(project).split()[0] == CPUS


def test_a_change_without_a_reason_is_refused_where_every_change_needs_one(tmp_path: Path) -> None:
    compliance = {"security": {"security": {"compliance": {"sox_compliance": True}}}}
    project = make_project(tmp_path / "p", {"first": command("touch", str(tmp_path / "done"))}, compliance)

    refused = nexus(project, "run", "chores.daily")
    assert refused.returncode == 7
    assert "security_registry.yaml:3:" in refused.stderr
    assert "--reason" in refused.stderr
    assert not (tmp_path / "done").exists()
    assert nexus(project, "run", "chores.daily", "--check").returncode == 0

    assert nexus(project, "run", "chores.daily", "--reason", "change 4711").returncode == 0
    assert (tmp_path / "done").exists()
    assert "change 4711" in nexus(project, "audit", "log", "--json").stdout


def test_plain_ansible_is_asked_for_a_reason_too_and_takes_it_from_the_environment(tmp_path: Path) -> None:
    compliance = {"security": {"security": {"compliance": {"sox_compliance": True}}}}
    project = make_project(tmp_path / "p", {"first": command("true")}, compliance)
    assert nexus(project, "compile").returncode == 0

    refused = plain(project)
    assert refused.returncode == 7
    assert "NEXUS_REASON" in refused.stderr

    assert plain(project, NEXUS_REASON="change 4712").returncode == 0
    assert "change 4712" in nexus(project, "audit", "log", "--json").stdout


def plain(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the compiled playbook without nexus-ansible."""
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "inventories/lab", "playbooks/chores_daily.yml"],
        cwd=project,
        env={
            **os.environ,
            "ANSIBLE_CALLBACKS_ENABLED": "nexus.automation.ledger",
            "ANSIBLE_ROLES_PATH": "roles",
            "XDG_STATE_HOME": str(project.parent / "state"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_runs_that_only_look_stay_out_of_the_ledger_where_the_policy_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"first": command("true")}, policies(security={"audit_all_actions": False}))

    assert nexus(project, "run", "chores.daily").returncode == 0
    assert nexus(project, "run", "chores.daily", "--check").returncode == 0
    assert nexus(project, "status").returncode == 0

    records = json.loads(nexus(project, "audit", "log", "--json").stdout)
    assert [record["kind"] for record in records] == ["run_started", "run_ended"]


def test_whoever_has_no_role_may_act_only_where_authentication_is_not_required(tmp_path: Path) -> None:
    roles = {"security": {"security": {"authorization": {"roles": {"reader": {"permissions": ["read"]}}}}}}
    project = make_project(tmp_path / "p", {"first": command("true")}, roles)
    assert nexus(project, "run", "chores.daily").returncode == 7

    opened = make_project(
        tmp_path / "q", {"first": command("true")}, roles | policies(security={"require_authentication": False})
    )
    assert nexus(opened, "run", "chores.daily").returncode == 0


@pytest.mark.parametrize(("level", "shown"), [("INFO", "1/1"), ("WARNING", ""), ("DEBUG", "TASK [chores : Do it]")])
def test_the_log_level_decides_how_much_a_run_prints(tmp_path: Path, level: str, shown: str) -> None:
    project = make_project(tmp_path / "p", {"first": command("true")}, policies(monitoring={"log_level": level}))
    assert nexus(project, "compile").returncode == 0

    done = nexus(project, "run", "chores.daily")

    assert done.returncode == 0
    assert shown in done.stderr
    assert bool(done.stderr) == bool(shown)


def test_the_option_v_prints_what_ansible_prints_without_secrets(tmp_path: Path) -> None:
    uses = {"security": {"security": {"authentication": {"jwt": {"secret_key": "${CANARY_KEY}"}}}}}
    project = make_project(tmp_path / "p", {"first": command("echo", "it is canary-4711")}, uses)

    done = nexus(project, "run", "chores.daily", "-v", env={"CANARY_KEY": "canary-4711"})

    assert done.returncode == 0
    assert "TASK [chores : Do it]" in done.stderr
    assert "it is ***" in done.stderr
    assert "canary-4711" not in done.stderr


def test_a_run_leaves_its_id_in_the_machines_own_log_where_the_policy_says_so(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"first": command("true")}, policies(monitoring={"syslog_marker": True}))
    if SYSTEM_LOG.exists():
        pytest.skip(f"{SYSTEM_LOG} belongs to this machine's own log daemon")

    lines: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(SYSTEM_LOG))
        # Whoever logs on this machine meanwhile is read too, because a full queue would hold him up.
        reader = threading.Thread(target=receive, args=(daemon, lines), daemon=True)
        reader.start()
        try:
            done = nexus(project, "run", "chores.daily", "--json")
        finally:
            SYSTEM_LOG.unlink()
            daemon.shutdown(socket.SHUT_RD)
            reader.join()

    run = json.loads(done.stdout)["run"]
    assert [line for line in lines if line.endswith(f"nexus-ansible run={run} workflow=chores.daily")]


def receive(daemon: socket.socket, lines: list[str]) -> None:
    """Take datagrams until the socket is shut down."""
    while datagram := daemon.recv(1 << 16):
        lines.append(datagram.decode(errors="replace"))


def test_the_ledger_lies_where_the_environment_says(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"first": command("true")})
    elsewhere = {"NEXUS_LEDGER_DIR": str(tmp_path / "ledger")}
    assert nexus(project, "compile").returncode == 0

    assert nexus(project, "run", "chores.daily", env=elsewhere).returncode == 0
    assert plain(project, **elsewhere).returncode == 0

    assert not (project / ".nexus" / "ledger").exists()
    records = json.loads(nexus(project, "audit", "log", "--json", env=elsewhere).stdout)
    assert [record["kind"] for record in records] == ["run_started", "run_ended"] * 2


def test_a_run_reaches_the_outside_as_its_caller_does_and_keeps_the_proxys_password(tmp_path: Path) -> None:
    project = make_project(tmp_path / "p", {"first": command("printenv", "HTTPS_PROXY")})
    proxy = "http://worker:canary%2Dproxy@proxy.invalid:3128"

    done = nexus(project, "run", "chores.daily", "-v", env={"HTTPS_PROXY": proxy})

    assert printed(project) == "http://worker:***@proxy.invalid:3128"
    assert "canary" not in done.stderr
