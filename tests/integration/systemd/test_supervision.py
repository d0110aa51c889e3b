# SPDX-License-Identifier: Apache-2.0
"""The platform supervised by systemd: changed, killed, limited, rebooted and taken down."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.systemd.platform import CANARY, Platform, install
from tests.servers.docker import Container, Engine
from tests.servers.systemd import booted, reboot
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800), pytest.mark.xdist_group("systemd")]

BACK_LIMIT_S = 120


@pytest.fixture(scope="module")
def machine(docker_engine: Engine) -> Iterator[Container]:
    """A machine that systemd has booted."""
    with booted(docker_engine) as container:
        yield container


@pytest.fixture(scope="module")
def platform(machine: Container, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Root's platform for all tests of the module; each leaves it healthy."""
    platform = install(machine, "root", "/srv/nexus", tmp_path_factory.mktemp("systemd"))
    platform.edit(lambda it: it["services"]["backend"].update(resources={"cpu": "500m", "memory": "256Mi"}))
    platform.apply()
    return platform


def pids(platform: Platform) -> dict[str, int]:
    return {name: row["pid"] for name, row in platform.status().items()}


def units(platform: Platform) -> dict[str, str]:
    """What systemd says of each unit of the environment: `enabled active`."""
    files = platform.systemctl("list-unit-files", "--plain", "--no-legend").splitlines()
    names = [line.split()[0] for line in files if line.startswith("nexus-production-")]
    return {
        name.removeprefix("nexus-production-").removesuffix(".service"): " ".join(
            platform.systemctl("show", "--property=UnitFileState,ActiveState", "--value", name).split()
        )
        for name in names
    }


def is_healthy(platform: Platform) -> bool:
    return {row["health"] for row in platform.status().values()} == {"healthy"}


def processes(platform: Platform) -> list[str]:
    """Command lines that name the project's own files."""
    lines = platform.run("ps", "-eo", "args").splitlines()
    return [line for line in lines if f"{platform.root}/.nexus" in line and not line.startswith("ps ")]


def read_limit(machine: Container, pid: int, controller: str, names: tuple[str, str]) -> str:
    """A limit of the process's control group, in the file of either version of control groups."""
    groups = machine.run("cat", f"/proc/{pid}/cgroup").splitlines()
    v1 = [line.split(":", 2)[2] for line in groups if controller in line.split(":")[1].split(",")]
    path = f"{controller}{v1[0]}/{names[0]}" if v1 else f"{groups[0].split(':', 2)[2].strip('/')}/{names[1]}"
    return machine.run("cat", f"/sys/fs/cgroup/{path}").strip()


def test_every_instance_is_an_enabled_and_active_unit(platform: Platform) -> None:
    expected = {"backend-1", "backend-2", "database-1", "frontend-1", "proxy-1", "redis-1"}
    assert set(platform.status()) == expected
    assert units(platform) == dict.fromkeys(expected, "active enabled")


def test_a_killed_instance_is_started_again_and_status_tells(platform: Platform) -> None:
    killed = pids(platform)["backend-1"]
    platform.run("kill", "-KILL", str(killed))

    def is_back() -> bool:
        row = platform.status()["backend-1"]
        return row["pid"] not in {None, killed} and (row["state"], row["health"]) == ("running", "healthy")

    wait_until(is_back, "backend-1 runs again", BACK_LIMIT_S)


def test_the_control_group_of_an_instance_has_the_limits_of_the_registry(platform: Platform) -> None:
    pid = pids(platform)["backend-1"]
    memory = read_limit(platform.machine, pid, "memory", ("memory.limit_in_bytes", "memory.max"))
    quota = read_limit(platform.machine, pid, "cpu", ("cpu.cfs_quota_us", "cpu.max")).split()[0]
    assert (int(memory), int(quota)) == (256 * 1024**2, 50_000)


def test_a_process_sees_the_rest_of_the_machine_read_only(platform: Platform) -> None:
    pid = pids(platform)["backend-1"]
    enter = ["nsenter", f"--target={pid}", "--mount", "touch"]
    assert platform.machine.attempt(*enter, "/etc/written").returncode != 0
    platform.machine.run(*enter, f"{platform.root}/.nexus/production/written")


def test_a_boot_brings_everything_back_and_keeps_no_secret_in_clear(platform: Platform) -> None:
    before = pids(platform)
    reboot(platform.machine)
    wait_until(lambda: is_healthy(platform), "every instance is healthy after the boot", BACK_LIMIT_S)
    assert set(pids(platform)) == set(before)
    assert "backend" in platform.run(sys.executable, "-c", PAGE, "http://127.0.0.1:8080/api")
    searched = ["grep", "--recursive", "--files-with-matches", CANARY, platform.root, "/etc", "/var"]
    assert platform.machine.attempt(*searched).stdout == ""
    assert platform.apply("--step", "deploy")["counts"]["changed"] == 0


def test_secrets_that_another_machine_sealed_are_sealed_again_by_apply(platform: Platform) -> None:
    platform.run("rm", "/var/lib/systemd/credential.secret")
    reboot(platform.machine)
    status = platform.status()
    assert {status[name]["health"] for name in ("backend-1", "backend-2")} == {"unhealthy"}
    platform.apply("--step", "deploy")
    assert is_healthy(platform)


def test_taking_it_down_leaves_data_but_no_unit_process_port_or_secret(platform: Platform) -> None:
    addresses = [row["address"] for row in platform.status().values()]
    done = platform.attempt("down", "production", "--yes", "--reason", "a test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert units(platform) == {}
    assert processes(platform) == []
    listening = platform.machine.run("ss", "--listening", "--tcp", "--numeric", "--no-header")
    assert [address for address in addresses if address in listening] == []
    assert platform.run("find", f"{platform.root}/.nexus", "-name", "*.cred") == ""
    assert {row["state"] for row in platform.status().values()} == {"absent"}
    platform.apply()
    assert is_healthy(platform)


def test_a_plain_user_has_the_same_by_a_systemd_of_the_users_own(machine: Container, tmp_path: Path) -> None:
    machine.run("useradd", "--create-home", "joe")
    environment = {"services": ["backend", "database", "proxy", "redis"], "port_range": "30000-30999"}
    platform = install(machine, "joe", "/home/joe/nexus", tmp_path)
    platform.edit(lambda it: it["services"]["proxy"].update(port=8081))
    platform.edit(lambda it: it["environments"]["production"].update(environment))
    refused = platform.attempt("apply", "production", "--yes", "--reason", "a test")
    assert "loginctl enable-linger" in refused.stdout + refused.stderr
    machine.run("loginctl", "enable-linger", "joe")
    wait_until(lambda: machine.attempt("test", "-d", "/run/user/1000/systemd").returncode == 0, "joe's systemd runs")
    platform.apply()
    before = pids(platform)
    platform.run("kill", "-KILL", str(before["backend-1"]))
    wait_until(lambda: is_healthy(platform) and pids(platform) != before, "backend-1 runs again", BACK_LIMIT_S)
    reboot(machine)
    boot = platform.status()
    assert {name for name, row in boot.items() if row["state"] != "running"} == {"backend-1", "backend-2"}
    log = platform.run("cat", f"{platform.root}/.nexus/production/logs/backend-1.log")
    assert "The secrets of backend-1 are gone" in log
    assert platform.apply()["counts"]["changed"] > 0
    assert is_healthy(platform)
    assert platform.apply()["counts"]["changed"] == 0
    done = platform.attempt("down", "production", "--yes", "--reason", "a test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (units(platform), processes(platform)) == ({}, [])


PAGE = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=30).read().decode())"
