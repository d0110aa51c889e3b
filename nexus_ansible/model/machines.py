# SPDX-License-Identifier: Apache-2.0
"""The machines of an environment as data: where they are, what they can take, and how ssh reaches them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCALHOST = "localhost"
"""Name of the one machine of an environment that lists none."""


@dataclass(frozen=True)
class Ssh:
    """How a machine is reached; `connect_timeout` in seconds.

    None is what ssh itself does. `host_keys` empty means that the user's own known_hosts decides, by `host_key_policy`.
    """

    host: str
    port: int = 22
    user: str | None = None
    private_key_file: str | None = None
    become: bool = True
    python: str = "/usr/bin/python3"
    bastion: str | None = None
    host_keys: tuple[str, ...] = ()
    host_key_policy: str = "strict"
    connect_timeout: float = 10


@dataclass(frozen=True)
class Engine:
    """How a Docker engine is reached. `certificates` is a directory with `ca.pem`, `cert.pem` and `key.pem`."""

    host: str = "unix:///var/run/docker.sock"
    certificates: str | None = None


@dataclass(frozen=True)
class Bastion:
    """A host that connections go through; `bastion` names the one before it."""

    name: str
    address: str
    port: int
    user: str | None
    private_key_file: str | None
    host_keys: tuple[str, ...]
    bastion: str | None


@dataclass(frozen=True)
class Machine:
    """A machine; `labels` are its own and its group's. `capacity`: CPUs, bytes of `memory`, number of `instances`."""

    name: str
    address: str
    labels: Mapping[str, str]
    capacity: Mapping[str, float]
    group: str | None
    ssh: Ssh
    engine: Engine = Engine()

    @property
    def inventory_group(self) -> str:
        """Name of its group in the inventory: `rack-a` -> `machines_rack_a`; empty where it has none."""
        return f"machines_{self.group.replace('-', '_')}" if self.group is not None else ""


@dataclass(frozen=True)
class Placement:
    """Which machines a service may be put on; empty is all of them."""

    machines: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    spread: str | None = None
    max_per_machine: int | None = None
