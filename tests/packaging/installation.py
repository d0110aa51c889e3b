# SPDX-License-Identifier: Apache-2.0
"""A platform that the installed program made, away from any checkout, as different people would have it."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.packaging.building import make_environment, run
from tests.packaging.interpreters import interpreters, runs
from tests.servers.ports import free_port, free_range

NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ("setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups", "--")
ORCHESTRATION = Path("config", "ssot", "orchestration_registry.yaml")
PORTS = 40


@dataclass(frozen=True)
class Case:
    """Who installs with which Python; below a directory that nobody else can enter when `private`."""

    name: str
    version: str
    before: tuple[str, ...] = ()
    private: bool = False

    @property
    def python(self) -> Path:
        """The first Python of the version that this person can run, else one of another version."""
        for version in (self.version, *interpreters()):
            for path in interpreters().get(version, ()):
                if runs(path, version, self.before):
                    return path
        raise LookupError(f"no Python that {' '.join(self.before)} can run: {interpreters()}")


def cases() -> list[Case]:
    """Every kind of person and every Python at least once. A person who is not root is the only kind there is."""
    versions = list(interpreters())
    kinds: list[dict[str, Any]] = [{"name": "a plain user"}]
    if os.geteuid() == 0:
        kinds = [
            {"name": "a plain user", "before": AS_NOBODY},
            {"name": "root below a private directory", "private": True},
            {"name": "root"},
        ]
    count = max(len(kinds), len(versions))
    return [Case(**kinds[index % len(kinds)], version=versions[index % len(versions)]) for index in range(count)]


@dataclass(frozen=True)
class Installation:
    """A project and the environment that made it."""

    case: Case
    directory: Path
    programs: Path
    port: int = 0

    @property
    def project(self) -> Path:
        """The project's directory."""
        return self.directory / "home" / "shop"

    def nexus(self, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the installed program as this person, with next to nothing in its environment."""
        home = self.directory / "home"
        environment = {"PATH": os.defpath, "HOME": str(home)}
        program = str(self.programs / "nexus-ansible")
        return run([*self.case.before, program, *arguments], at or self.project, environment)

    def page(self) -> str:
        """The page that visitors see."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=30) as answer:
            body: bytes = answer.read()
        return body.decode()

    def instances(self) -> dict[str, dict[str, Any]]:
        """What `status` tells, by instance."""
        told = json.loads(self.nexus("status", "production", "--json").stdout)
        return {row["instance"]: row for row in told["environments"]["production"]}


def install(case: Case, wheel: Path, directory: Path) -> Installation:
    """Install the wheel for a case, and make the example project with free ports and fewer instances."""
    directory.chmod(0o700 if case.private else 0o755)
    programs = make_environment(directory / "venv", case.python, str(wheel))
    home = directory / "home"
    home.mkdir()
    if case.before:
        os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
    installation = Installation(case, directory, programs, free_port())
    installation.nexus("init", "shop", at=home)
    give_free_ports(installation.project, installation.port)
    return installation


def give_free_ports(project: Path, port: int) -> None:
    """Have the proxy on `port` and everything else on free ports; no more instances and tests than needed."""
    ports = free_range(PORTS)
    changes = {
        "port: 8080\n": f"port: {port}\n",
        "    production:\n": f"    production:\n      port_range: {ports[0]}-{ports[-1]}\n",
        "min_replicas: 3\n": "min_replicas: 1\n",
        "min_replicas: 2\n": "min_replicas: 1\n",
        "      test: [python3, -m, unittest, discover, -s, tests]\n": "",
    }
    path = project / ORCHESTRATION
    text = path.read_text("utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


def processes_below(directory: Path) -> Iterator[str]:
    """Command lines of the processes that name a directory."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if re.search(rf"{re.escape(str(directory))}\b", command):
            yield command
