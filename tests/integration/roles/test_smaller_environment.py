# SPDX-License-Identifier: Apache-2.0
"""An environment of a database, a cache and a proxy: predicted, deployed, changed, lost, and taken down."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import redis

from tests.integration.roles.scratch import (
    PORTS,
    SECRETS,
    ScratchProject,
    apply,
    changed_tasks,
    deploy,
    edit,
    make_project,
    status,
)
from tests.servers.ports import free_range

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1200), pytest.mark.xdist_group("smaller environment")]


CANARIES = ("canary-database", "canary-redis", "canary-jwt")
"""Beginnings of the secrets that no quoting and no encoding changes."""


def only_servers(orchestration: dict[str, Any]) -> None:
    orchestration["environments"]["production"]["services"] = ["database", "proxy", "redis"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScratchProject]:
    """One environment, in a very long directory, for all tests of the module; each leaves it running."""
    project = make_project(tmp_path_factory.mktemp("smaller") / ("long" * 40) / "project")
    edit(project, only_servers)
    try:
        deploy(project)
        yield project
    finally:
        assert apply(project, "platform_down").returncode == 0


def connect(project: ScratchProject, password: str) -> psycopg.Connection[tuple[Any, ...]]:
    port = int(status(project)["database-1"]["address"].rpartition(":")[2])
    return psycopg.connect(host="127.0.0.1", port=port, user="nexus", password=password, dbname="nexus")


def processes(project: ScratchProject) -> list[str]:
    """Command lines of the processes whose files are in the project."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(project.home) in words:
            found.append(words)
    return found


def test_a_first_run_is_predicted_without_a_trace(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    edit(project, only_servers)
    run = apply(project, "deployment_production", "--check", "--diff")
    assert run.returncode == 0, run.output[-6000:]
    assert any("database-1" in task for task in changed_tasks(run))
    assert not (project.root / ".nexus").exists()
    assert not any(canary in run.output for canary in CANARIES)


def test_no_secret_is_in_a_file_an_argument_or_the_output(environment: ScratchProject) -> None:
    output = deploy(environment, "--diff", "-vvv").output
    files = [path for path in environment.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 50
    for canary in CANARIES:
        assert canary not in output
        assert [path for path in files if canary.encode() in path.read_bytes()] == []
        assert [words for words in processes(environment) if canary in words] == []


def test_the_database_takes_the_secret_and_nothing_else(environment: ScratchProject) -> None:
    with connect(environment, SECRETS["DATABASE_PASSWORD"]) as connection:
        row = connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'nexus'").fetchone()
        checksums = connection.execute("SHOW data_checksums").fetchone()
        assert (row, checksums) == (("nexus",), ("on",))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(environment, "wrong")


def test_the_path_of_the_project_may_be_longer_than_that_of_a_socket(environment: ScratchProject) -> None:
    assert len(str(environment.home)) > 200
    assert {row["health"] for row in status(environment).values()} == {"healthy"}


def test_sockets_whose_paths_would_be_too_long_are_told_before_anything_is_touched(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    edit(project, only_servers)
    runtime = f"/tmp/{'x' * 90}"
    run = apply(project, "deployment_production", "--tags", "validate", "-e", f"runner_machine_runtime={runtime}")
    assert run.returncode != 0
    assert f"{runtime}/supervisor.sock" in run.output
    assert "a Unix socket's path may have 107 bytes, this one would have 119" in run.output
    assert not project.home.exists()
    assert not Path(runtime).exists()


def test_redis_has_its_parameters_and_keeps_the_title_of_its_process(environment: ScratchProject) -> None:
    row = status(environment)["redis-1"]
    port = int(row["address"].rpartition(":")[2])
    with redis.Redis(port=port, password=SECRETS["REDIS_PASSWORD"], decode_responses=True) as client:
        told = client.config_get("maxmemory", "maxmemory-policy", "activedefrag", "set-proc-title")
    assert told == {
        "maxmemory": str(64 * 1024 * 1024),
        "maxmemory-policy": "allkeys-lru",
        "activedefrag": "no",
        "set-proc-title": "no",
    }
    launcher = environment.home / "instances" / "redis-1" / "current" / "run"
    started = shlex.split(launcher.read_text(encoding="utf-8").splitlines()[-1])[1:]
    words = Path(f"/proc/{row['pid']}/cmdline").read_text(encoding="utf-8").split("\0")
    assert words[:-1] == started


def test_a_new_password_is_set_without_a_restart(environment: ScratchProject) -> None:
    before = status(environment)["database-1"]["pid"]
    changed = {**SECRETS, "DATABASE_PASSWORD": "canary-changed"}
    assert apply(environment, "deployment_production", env=changed).returncode == 0
    connect(environment, "canary-changed").close()
    assert status(environment)["database-1"]["pid"] == before
    deploy(environment)
    connect(environment, SECRETS["DATABASE_PASSWORD"]).close()


def test_a_parameter_is_loaded_or_the_database_restarted_as_it_needs(environment: ScratchProject) -> None:
    def parameters(values: dict[str, Any]) -> None:
        edit(environment, lambda it: it["services"]["database"]["settings"].update(parameters=values))

    def answer(name: str) -> str:
        with connect(environment, SECRETS["DATABASE_PASSWORD"]) as connection:
            row = connection.execute(f"SHOW {name}").fetchone()
        assert row is not None
        return str(row[0])

    before = status(environment)["database-1"]["pid"]
    parameters({"work_mem": "5MB"})
    deploy(environment)
    assert (answer("work_mem"), status(environment)["database-1"]["pid"]) == ("5MB", before)
    parameters({"work_mem": "5MB", "max_connections": 77})
    deploy(environment)
    assert answer("max_connections") == "77"
    assert status(environment)["database-1"]["pid"] != before
    assert changed_tasks(deploy(environment)) == []


def test_servers_move_to_other_ports(environment: ScratchProject) -> None:
    before = status(environment)
    ports = free_range(PORTS)
    moved = f"{ports[0]}-{ports[-1]}"
    edit(environment, lambda it: it["environments"]["production"].update(port_range=moved))
    deploy(environment)
    after = status(environment)
    assert {row["health"] for row in after.values()} == {"healthy"}
    for name in ("database-1", "redis-1"):
        assert int(after[name]["address"].rpartition(":")[2]) in ports
        assert after[name]["pid"] != before[name]["pid"]
    connect(environment, SECRETS["DATABASE_PASSWORD"]).close()
    assert changed_tasks(deploy(environment)) == []


def test_everything_comes_back_after_a_restart_of_the_machine(environment: ScratchProject) -> None:
    with connect(environment, SECRETS["DATABASE_PASSWORD"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
    runtime = Path(
        (environment.home / "supervisor" / "supervisord.conf")
        .read_text()
        .split("file=")[1]
        .split("/supervisor.sock")[0]
    )
    pids = [row["pid"] for row in status(environment).values()]
    daemon = int((environment.home / "supervisor" / "supervisord.pid").read_text())
    for pid in [daemon, *pids]:
        os.kill(pid, signal.SIGKILL)
    subprocess.run(["rm", "-r", str(runtime)], check=True)
    deploy(environment)
    with connect(environment, SECRETS["DATABASE_PASSWORD"]) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_port_that_is_taken_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    edit(project, only_servers)
    with socket.create_server(("127.0.0.1", project.port)):
        run = apply(project, "deployment_production")
    assert run.returncode != 0
    assert str(project.port) in run.output
    assert "proxy-1" in run.output
    assert not project.home.exists()


def test_a_missing_secret_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    edit(project, only_servers)
    run = apply(project, "deployment_production", env={"DATABASE_PASSWORD": "given"})
    assert run.returncode != 0
    assert "Missing secrets: JWT_SECRET_KEY, REDIS_PASSWORD." in run.output
    assert not project.home.exists()


def test_taking_it_down_leaves_data_but_no_process_and_no_port(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    edit(project, only_servers)
    deploy(project)
    addresses = [row["address"] for row in status(project).values()]
    assert len(addresses) == 3
    assert apply(project, "platform_down").returncode == 0
    assert processes(project) == []
    assert {(row["state"], row["health"]) for row in status(project).values()} == {("absent", "absent")}
    for address in addresses:
        host, _, port = address.rpartition(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5)
    assert (project.home / "instances" / "database-1" / "data" / "cluster" / "PG_VERSION").exists()
    assert apply(project, "platform_down", "-e", "deployment_remove_data=true").returncode == 0
    assert not project.home.exists()
