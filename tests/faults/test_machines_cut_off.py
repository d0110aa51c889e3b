# SPDX-License-Identifier: Apache-2.0
"""Machines that stop answering, answer slowly, or turn out to be others: what a run does, says and leaves behind."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.faults.command import edit, ends, nexus, said_plainly, started
from tests.projects import write_yaml
from tests.servers.debian import require
from tests.servers.docker import Engine, docker_engine
from tests.servers.playbook import REPOSITORY
from tests.servers.ssh_machines import USER, SshMachine, SshMachines, ssh_machines
from tests.servers.waiting import wait_until

__all__ = ["docker_engine"]

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800), pytest.mark.xdist_group("cut-off")]

NAMES = ("one", "two", "three")
WEB = REPOSITORY / ".config" / "molecule" / "services" / "web"
REASON = ("--yes", "--reason", "a test")
LIMIT_S = 300
FAILED, NOT_HEALTHY = 6, 6


@dataclass(frozen=True)
class Shop:
    """A project whose three instances are on a machine each."""

    root: Path
    machines: SshMachines

    def apply(self) -> subprocess.CompletedProcess[str]:
        """Apply, whatever comes of it."""
        return nexus(self.root, "apply", "shop", *REASON)

    def rows(self) -> dict[str, dict[str, Any]]:
        """What `status` tells, by instance."""
        told = json.loads(nexus(self.root, "status", "shop", "--json").stdout)
        return {row["instance"]: row for row in told["environments"]["shop"]}

    def on(self, name: str) -> str:
        """The instance that is on a machine."""
        return next(instance for instance, row in self.rows().items() if row["machine"] == name)

    def release(self) -> None:
        """Change the source, which makes another release."""
        with (self.root / "services" / "web" / "web.py").open("a", encoding="utf-8") as stream:
            stream.write("\n# another release\n")


@pytest.fixture(scope="module")
def shop(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, deployed; each test leaves it healthy, with every machine back."""
    require(ip="iproute2")
    directory = tmp_path_factory.mktemp("cut-off")
    with ssh_machines(docker_engine, directory, *NAMES) as machines:
        shop = Shop(_project(directory / "project", machines), machines)
        done = shop.apply()
        assert done.returncode == 0, done.stdout + done.stderr
        yield shop


def _project(root: Path, machines: SshMachines) -> Path:
    shutil.copytree(WEB, root / "services" / "web", ignore=shutil.ignore_patterns("__pycache__"))
    steps = {"steps": ["validate", "build", "deploy", "verify"]}
    service = {
        "source": "services/web",
        "build": {"kind": "files"},
        "command": ["python3", "-m", "web"],
        "health_check": {"endpoint": "/health", "timeout": "5s", "start_period": "30s"},
        "scaling": {"min_replicas": len(NAMES)},
        "placement": {"max_per_machine": 1},
    }
    environment = {
        "runner": "ssh",
        "ssh": {"user": USER, "private_key_file": str(machines.private_key), "connect_timeout": "5s"},
        "machines": {
            name: {"address": machines[name].address, "ssh": {"host_keys": [machines[name].host_key]}} for name in NAMES
        },
    }
    registries: dict[str, Any] = {
        "automation": {"automation": {"project": "shop", "workflows": {"deployment": {"shop": steps}}}},
        "pipeline": {"pipelines": {}},
        "orchestration": {"orchestration": {"services": {"web": service}, "environments": {"shop": environment}}},
        "monitoring": {"monitoring": {}},
        "security": {"security": {}},
    }
    for name, data in registries.items():
        write_yaml(root / "config" / "ssot" / f"{name}_registry.yaml", data)
    assert nexus(root, "compile").returncode == 0
    return root


@contextlib.contextmanager
def cut_off(machine: SshMachine) -> Iterator[None]:
    """Take the machine's cable out until the block ends."""
    number = machine.container.run("cat", "/sys/class/net/eth0/iflink").strip()
    links = json.loads(subprocess.run(["ip", "-json", "link"], capture_output=True, check=True, timeout=30).stdout)
    cable = next(link["ifname"] for link in links if str(link["ifindex"]) == number)
    subprocess.run(["ip", "link", "set", cable, "down"], check=True, timeout=30)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", cable, "up"], check=True, timeout=30)


def is_healthy(shop: Shop) -> bool:
    return {(row["state"], row["health"]) for row in shop.rows().values()} == {("running", "healthy")}


def test_a_machine_that_does_not_answer_stops_a_run_before_it_changes_anything(shop: Shop) -> None:
    before, lost = shop.rows(), shop.on("two")
    shop.release()
    with cut_off(shop.machines["two"]):
        done = shop.apply()
        told = shop.rows()
    said_plainly(done, FAILED, "two does not answer", "resume")
    assert ends(shop.root)[-2:] == ["failed", "ok"]
    assert (told[lost]["state"], told[lost]["health"]) == ("unreachable", "unknown")
    assert told[lost]["detail"] == "the machine two does not answer"
    others = set(before) - {lost}
    assert {name: (told[name]["version"], told[name]["health"]) for name in others} == {
        name: (before[name]["version"], "healthy") for name in others
    }
    assert shop.apply().returncode == 0
    assert is_healthy(shop)


def test_a_machine_lost_in_a_wave_stops_it_and_resume_goes_on(shop: Shop) -> None:
    before = {name: row["version"] for name, row in shop.rows().items()}
    order = sorted(before)
    machine_of = {name: row["machine"] for name, row in shop.rows().items()}
    first = shop.machines[machine_of[order[0]]].container
    current = f"/var/lib/nexus/shop-shop/instances/{order[0]}/current"
    shop.release()
    with started(shop.root, "apply", "shop", *REASON, stderr=subprocess.PIPE) as process:
        wait_until(lambda: before[order[0]] not in first.run("readlink", current), "the first is replaced", LIMIT_S)
        with cut_off(shop.machines[machine_of[order[1]]]):
            _, told = process.communicate(timeout=LIMIT_S)
            rows = shop.rows()
    assert process.returncode == FAILED, told
    assert machine_of[order[1]] in told or order[1] in told
    assert rows[order[0]]["version"] != before[order[0]]
    assert (rows[order[0]]["health"], rows[order[2]]["health"]) == ("healthy", "healthy")
    assert rows[order[2]]["version"] == before[order[2]]
    run = next(word for word in told.split() if word.startswith("2") and word.count("-") == 2)
    done = nexus(shop.root, "resume", run.rstrip("."), *REASON)
    assert done.returncode == 0, done.stdout + done.stderr
    after = shop.rows()
    assert {row["version"] for row in after.values()}.isdisjoint(before.values())
    assert is_healthy(shop)


def test_a_slow_machine_is_waited_for(shop: Shop) -> None:
    slow = shop.machines["three"].container
    slow.engine.docker("update", "--cpus", "0.2", slow.name)
    try:
        done = shop.apply()
    finally:
        slow.engine.docker("update", "--cpus", "2", slow.name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert is_healthy(shop)


def test_a_machine_with_another_host_key_is_refused_by_name(shop: Shop) -> None:
    wrong = shop.machines["one"].host_key

    def claim(key: str) -> None:
        def change(data: dict[str, Any]) -> None:
            data["orchestration"]["environments"]["shop"]["machines"]["three"]["ssh"]["host_keys"] = [key]

        edit(shop.root, "orchestration", change)
        assert nexus(shop.root, "compile").returncode == 0

    claim(wrong)
    done = shop.apply()
    claim(shop.machines["three"].host_key)
    said_plainly(done, FAILED, "three | ", "Host key verification failed")
    assert ends(shop.root)[-1] == "failed"
    assert shop.apply().returncode == 0
