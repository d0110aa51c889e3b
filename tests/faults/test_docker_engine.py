# SPDX-License-Identifier: Apache-2.0
"""An engine that stops, lacks an image, or is left in the middle of a replacement: what a run does, says and leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nexus_ansible.run.guard import marked_processes
from tests.faults.command import edit, ends, nexus, nothing_runs, said_plainly, started
from tests.projects import write_yaml
from tests.servers.images import PYTHON, provide
from tests.servers.playbook import REPOSITORY
from tests.servers.ports import free_port
from tests.servers.private_engine import PrivateEngine, private_engine
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800), pytest.mark.xdist_group("private-engine")]

WEB = REPOSITORY / ".config" / "molecule" / "services" / "web"
REASON = ("--yes", "--reason", "a test")
LIMIT_S = 300
FAILED = 6


@dataclass(frozen=True)
class Shop:
    """A project with two instances in containers."""

    root: Path
    private: PrivateEngine

    def apply(self) -> subprocess.CompletedProcess[str]:
        """Apply, whatever comes of it."""
        return nexus(self.root, "apply", "shop", *REASON)

    def rows(self) -> dict[str, dict[str, Any]]:
        """What `status` tells, by instance."""
        told = json.loads(nexus(self.root, "status", "shop", "--json").stdout)
        return {row["instance"]: row for row in told["environments"]["shop"]}

    def versions(self) -> dict[str, str]:
        """The version of each instance that runs and is healthy."""
        healthy = ("running", "healthy")
        return {name: row["version"] for name, row in self.rows().items() if (row["state"], row["health"]) == healthy}

    def container(self, instance: str) -> str:
        """The id of the container that an instance is; empty while there is none."""
        argv = ("inspect", "--format", "{{.Id}}", f"shop-shop-{instance}")
        return self.private.engine.attempt(*argv).stdout.strip()

    def release(self) -> None:
        """Change the source, which makes another release."""
        with (self.root / "services" / "web" / "web.py").open("a", encoding="utf-8") as stream:
            stream.write("\n# another release\n")

    def resume(self, told: str) -> subprocess.CompletedProcess[str]:
        """Go on with the run that a message names."""
        run = next(word for word in told.split() if word.startswith("2") and word.count("-") == 2)
        return nexus(self.root, "resume", run.rstrip("."), *REASON)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop, deployed; each test leaves it healthy, and the engine running."""
    with private_engine() as private:
        root = _project(tmp_path_factory.mktemp("engine") / "project", private.engine.host)
        _use(root, provide(private.engine, PYTHON))
        shop = Shop(root, private)
        done = shop.apply()
        assert done.returncode == 0, done.stdout + done.stderr
        yield shop


def _project(root: Path, host: str) -> Path:
    shutil.copytree(WEB, root / "services" / "web", ignore=shutil.ignore_patterns("__pycache__"))
    service = {
        "source": "services/web",
        "build": {"kind": "files"},
        "command": ["python3", "-m", "web"],
        "health_check": {"endpoint": "/health", "timeout": "5s", "start_period": "30s"},
        "scaling": {"min_replicas": 2},
    }
    steps = {"steps": ["validate", "build", "deploy", "verify"]}
    registries: dict[str, Any] = {
        "automation": {"automation": {"project": "shop", "workflows": {"deployment": {"shop": steps}}}},
        "pipeline": {"pipelines": {}},
        "orchestration": {
            "orchestration": {
                "services": {"web": service},
                "environments": {"shop": {"runner": "docker", "docker": {"host": host}}},
            }
        },
        "monitoring": {"monitoring": {}},
        "security": {"security": {}},
    }
    for name, data in registries.items():
        write_yaml(root / "config" / "ssot" / f"{name}_registry.yaml", data)
    return root


def _use(root: Path, image: str) -> None:
    """Have containers made of an image."""

    def change(data: dict[str, Any]) -> None:
        data["orchestration"]["environments"]["shop"]["docker"]["images"] = {"web": image}

    edit(root, "orchestration", change)
    assert nexus(root, "compile").returncode == 0


def test_an_image_that_cannot_be_had_ends_a_run_before_it_changes_anything(shop: Shop) -> None:
    before, image = shop.versions(), f"127.0.0.1:{free_port()}/nowhere:1"
    _use(shop.root, image)
    done = shop.apply()
    _use(shop.root, PYTHON.tag)
    said_plainly(done, FAILED, f"The engine at {shop.private.engine.host} cannot pull {image}: ", "connection refused")
    assert shop.versions() == before
    assert shop.apply().returncode == 0


def test_an_engine_that_is_stopped_in_a_wave_ends_it_and_resume_goes_on(shop: Shop) -> None:
    before, first = shop.versions(), shop.container("web-1")
    shop.release()
    with started(shop.root, "apply", "shop", *REASON, stderr=subprocess.PIPE) as process:
        wait_until(lambda: shop.container("web-1") not in {"", first}, "the first is replaced", LIMIT_S)
        shop.private.stop()
        try:
            _, told = process.communicate(timeout=LIMIT_S)
            rows = shop.rows()
        finally:
            shop.private.start()
    assert process.returncode == FAILED, told
    # Whether a task or its connection finds it out depends on the moment.
    finder = r"(docker|web-[12]) does not answer: "
    assert re.search(f"{finder}|No Docker engine answers at {shop.private.engine.host}", told), told
    assert {(row["state"], row["health"]) for row in rows.values()} == {("unreachable", "unknown")}
    done = shop.resume(told)
    assert done.returncode == 0, done.stdout + done.stderr
    after = shop.versions()
    assert set(after) == set(before)
    assert set(after.values()).isdisjoint(before.values())


def test_a_restart_of_the_engine_brings_everything_back(shop: Shop) -> None:
    before = shop.versions()
    shop.private.stop()
    shop.private.start()
    wait_until(lambda: shop.versions() == before, "all instances are back", LIMIT_S)
    plan = json.loads(nexus(shop.root, "plan", "shop", "--json").stdout)
    assert plan["changes"] == []


def test_a_run_killed_while_a_container_is_replaced_is_resumed(shop: Shop) -> None:
    before, first = shop.versions(), shop.container("web-1")
    shop.release()
    with started(shop.root, "apply", "shop", *REASON) as process:
        wait_until(lambda: shop.container("web-1") != first, "the first is being replaced", LIMIT_S)
        (run,) = (path.name for path in (shop.root / ".nexus" / "runs" / "open").iterdir())
        for pid in (process.pid, *marked_processes(run)):
            os.kill(pid, signal.SIGKILL)
        process.wait(60)
    wait_until(lambda: nothing_runs(run), "no process of it is left", LIMIT_S)
    done = nexus(shop.root, "resume", run, *REASON)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ends(shop.root, run) == ["crashed"]
    after = shop.versions()
    assert set(after) == set(before)
    assert set(after.values()).isdisjoint(before.values())
