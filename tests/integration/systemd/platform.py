# SPDX-License-Identifier: Apache-2.0
"""A project on a machine that systemd runs: the servers of the platform, and web services that need no building."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.servers.docker import Container
from tests.servers.playbook import REPOSITORY
from tests.servers.strategy import FAST

LIMIT_S = 900
IN_SESSION = 'XDG_RUNTIME_DIR=/run/user/$(id -u) exec systemctl "$@"'
REGISTRY = "config/ssot/orchestration_registry.yaml"
WEB = REPOSITORY / ".config" / "molecule" / "services" / "web"
CANARY = "canary-of-the-secrets"
SECRETS = {
    "DATABASE_PASSWORD": f"{CANARY} 'quoted' \"twice\" $HOME /%40",
    "REDIS_PASSWORD": f"{CANARY}/+:@",
    "JWT_SECRET_KEY": CANARY,
}


@dataclass(frozen=True)
class Platform:
    """A project in `root` of the machine, run by `user`; `orchestration` is its registry."""

    machine: Container
    user: str
    root: str
    orchestration: dict[str, Any]

    @property
    def scope(self) -> str:
        """The option by which systemctl reaches the systemd of the user."""
        return "--system" if self.user == "root" else "--user"

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run nexus-ansible in the project."""
        argv = [sys.executable, "-m", "nexus_ansible", *arguments, "--project", self.root]
        return self.machine.attempt(*argv, user=self.user, limit_s=LIMIT_S, **SECRETS)

    def apply(self, *options: str) -> dict[str, Any]:
        """Apply, require that it went well, and return what it tells."""
        done = self.attempt("apply", "production", "--yes", "--reason", "a test", "--json", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def status(self) -> dict[str, dict[str, Any]]:
        """What `status` tells, by instance."""
        done = self.attempt("status", "production", "--json")
        assert done.returncode in {0, 6}, done.stdout + done.stderr
        rows = json.loads(done.stdout)["environments"]["production"]
        return {row["instance"]: row for row in rows}

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the registry."""
        change(self.orchestration)
        self.write()

    def run(self, *argv: str) -> str:
        """Run a command as the user."""
        return self.machine.run(*argv, user=self.user)

    def systemctl(self, *arguments: str) -> str:
        """Ask the systemd that supervises."""
        return self.run("sh", "-c", IN_SESSION, "systemctl", self.scope, *arguments)

    def write(self) -> None:
        """Write the registry to the machine."""
        text = yaml.safe_dump({"orchestration": self.orchestration}, sort_keys=False, width=150)
        self.run("sh", "-c", 'printf %s "$1" > "$2"', "sh", text, f"{self.root}/{REGISTRY}")


def install(machine: Container, user: str, root: str, copy: Path) -> Platform:
    """Copy the repository's registries to the machine and simplify their services; `copy` is an empty directory."""
    shutil.copytree(REPOSITORY / "config", copy / "config", ignore=shutil.ignore_patterns("schemas"))
    shutil.copytree(WEB, copy / "services" / "web", ignore=shutil.ignore_patterns("__pycache__"))
    orchestration = yaml.safe_load((copy / REGISTRY).read_text(encoding="utf-8"))["orchestration"]
    _simplify(orchestration)
    machine.copy(copy, root)
    machine.run("chown", "--recursive", user, root)
    platform = Platform(machine, user, root, orchestration)
    platform.write()
    return platform


def _simplify(orchestration: dict[str, Any]) -> None:
    services = orchestration["services"]
    for name in ("frontend", "backend"):
        services[name] |= {"source": "services/web", "build": {"kind": "files"}, "command": ["python3", "-m", "web"]}
        services[name]["scaling"]["min_replicas"] = 1
        services[name]["health_check"] |= {"start_period": "20s", "timeout": "5s"}
        services[name]["smoke"] = [{"path": services[name]["routes"][0], "contains": name}]
    services["backend"]["scaling"]["min_replicas"] = 2
    orchestration["environments"]["production"] |= {"supervision": "systemd", "overrides": FAST}
