# SPDX-License-Identifier: Apache-2.0
"""The example platform as a project of its own, of which only the environment is written anew."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.contract.grounds import Ground
from tests.faults.command import environment, nexus
from tests.integration.roles.scratch import SECRETS
from tests.servers.playbook import REPOSITORY

ORCHESTRATION = Path("config") / "ssot" / "orchestration_registry.yaml"
SOURCE = Path("services") / "backend" / "nexus_backend" / "__init__.py"
QUICK_TESTS = ["python3", "-m", "unittest", "discover", "-s", "tests", "-p", "test_backend_settings.py"]
"""The others start servers, for every release anew, and that has nothing to do with where the platform runs."""
STEPS = ("build", "test", "deploy", "verify")
REASON = ("--yes", "--reason", "the contract")


@dataclass(frozen=True)
class Platform:
    """A project in `root` whose production is on a ground."""

    root: Path
    ground: Ground

    def run(self, *arguments: str, expect: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run nexus-ansible and require its exit code, where one is expected."""
        done = nexus(self.root, *arguments, env=environment(self.root, **SECRETS, **self.ground.variables))
        assert expect in {None, done.returncode}, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def apply(self, expect: int = 0) -> dict[str, Any]:
        """Apply; return what it tells."""
        told: dict[str, Any] = json.loads(self.run("apply", "production", *REASON, "--json", expect=expect).stdout)
        return told

    def deploy(self) -> None:
        """Apply a change of the registries or the source: every step but those that only check."""
        self.run("apply", "production", *REASON, *(f"--step={step}" for step in STEPS))

    def planned(self) -> list[dict[str, Any]]:
        """What `plan` says would change."""
        changes: list[dict[str, Any]] = json.loads(self.run("plan", "production", "--json").stdout)["changes"]
        return changes

    def instances(self, service: str = "", expect: int = 0) -> dict[str, dict[str, Any]]:
        """What `status` tells of the instances of a service, or of all."""
        told = json.loads(self.run("status", "production", "--json", expect=expect).stdout)
        rows = told["environments"]["production"]
        return {row["instance"]: row for row in rows if not service or row["service"] == service}

    def get(self, path: str) -> str:
        """A page through the proxy."""
        with urllib.request.urlopen(f"{self.ground.url}{path}", timeout=30) as answer:
            body: bytes = answer.read()
        return body.decode()

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the services in the registry and compile."""
        path = self.root / ORCHESTRATION
        data = yaml.safe_load(path.read_text("utf-8"))
        change(data["orchestration"]["services"])
        path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        self.run("compile")

    def scale(self, replicas: int) -> None:
        """Set the number of backends."""
        self.edit(lambda services: services["backend"]["scaling"].update(min_replicas=replicas))

    def append_to_source(self, text: str) -> None:
        """Change the backend's source, which makes another release of it."""
        with (self.root / SOURCE).open("a", encoding="utf-8") as stream:
            stream.write(text)

    def take_from_source(self, text: str) -> None:
        """Undo `append_to_source`."""
        path = self.root / SOURCE
        path.write_text(path.read_text("utf-8").removesuffix(text), encoding="utf-8")


def make_platform(root: Path, ground: Ground) -> Platform:
    """Copy the registries and services of the repository, and write the one environment."""
    shutil.copytree(
        REPOSITORY / "config", root / "config", ignore=shutil.ignore_patterns("schemas"), dirs_exist_ok=True
    )
    shutil.copytree(REPOSITORY / "services", root / "services", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    path = root / ORCHESTRATION
    data = yaml.safe_load(path.read_text("utf-8"))
    data["orchestration"]["environments"]["production"] = ground.environment
    data["orchestration"]["services"]["backend"]["test"] = QUICK_TESTS
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    platform = Platform(root, ground)
    platform.run("compile")
    return platform
