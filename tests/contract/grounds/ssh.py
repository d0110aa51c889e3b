# SPDX-License-Identifier: Apache-2.0
"""Three machines that are reached by ssh: two for what answers requests, one for data and the proxy."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.docker import running_engine
from tests.servers.ssh_machines import USER, SshMachine, SshMachines, ssh_machines
from tests.servers.strategy import FAST

UNITS = "nexus-production-"
WEB = ("web-1", "web-2")
DATA = "data-1"
PORT = 8080
_ON_DATA = {"placement": {"machines": [DATA]}}
OVERRIDES: dict[str, Any] = {
    "orchestration": {
        "services": {
            **dict.fromkeys(("database", "redis", "proxy"), _ON_DATA),
            **{name: {"placement": {"labels": {"tier": "web"}}} for name in ("frontend", "backend")},
        }
    }
}
"""What has data, and the proxy, have a machine of theirs."""
ACCELERATED: dict[str, Any] = {**OVERRIDES, **FAST}


@dataclass(frozen=True)
class SshGround:
    """Machines with nothing but sshd and systemd."""

    machines: SshMachines
    overrides: dict[str, Any]
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, Any]:
        """Machines and how they are reached."""
        return {
            "runner": "ssh",
            "ssh": {"user": USER, "private_key_file": str(self.machines.private_key)},
            "machines": {name: _entry(machine) for name, machine in self.machines.machines.items()},
            "overrides": self.overrides,
        }

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"http://{self.machines[DATA].address}:{PORT}"

    def kill(self, instance: dict[str, Any]) -> None:
        """Kill its process on its machine."""
        self.machines[instance["machine"]].container.run("kill", "-KILL", str(instance["pid"]))

    def stop(self, instance: dict[str, Any]) -> None:
        """Have systemd stop it."""
        self.machines[instance["machine"]].container.run("systemctl", "stop", f"{UNITS}{instance['instance']}")

    def left(self) -> list[str]:
        """Units, processes and ports on any machine."""
        return [what for machine in self.machines.machines.values() for what in _left(machine)]


def _entry(machine: SshMachine) -> dict[str, Any]:
    return {"address": machine.address, "labels": {"tier": tier_of(machine)}, "ssh": {"host_keys": [machine.host_key]}}


def tier_of(machine: SshMachine) -> str:
    """The label by which services choose it."""
    return "data" if machine.name == DATA else "web"


def _left(machine: SshMachine) -> list[str]:
    units = machine.container.attempt("systemctl", "list-unit-files", "--plain", "--no-legend", f"{UNITS}*").stdout
    processes = machine.container.attempt("pgrep", "--list-full", "--uid", "100-999").stdout
    ports = machine.container.run("ss", "--listening", "--tcp", "--numeric", "--no-header")
    told = [*units.splitlines(), *(line for line in processes.splitlines() if "/var/lib/nexus" in line)]
    told += [line for line in ports.splitlines() if ":22 " not in line]
    return [f"{machine.name}: {line}" for line in told]


@contextlib.contextmanager
def ssh_ground(project: Path, web: Sequence[str] = WEB, overrides: dict[str, Any] = ACCELERATED) -> Iterator[SshGround]:
    """Boot the machines: one for data, and those for the rest."""
    with running_engine() as engine, ssh_machines(engine, project.parent, DATA, *web) as machines:
        yield SshGround(machines, overrides)
