# SPDX-License-Identifier: Apache-2.0
"""Machines that are reached by ssh: containers with addresses of their own, booted by systemd, nothing installed."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.debian import require
from tests.servers.docker import Container, Engine, container
from tests.servers.images import SSH_MACHINE, provide
from tests.servers.sshd import make_key
from tests.servers.systemd import BOOT, SYSTEM, await_boot
from tests.servers.waiting import wait_until

USER = "deployer"


@dataclass(frozen=True)
class SshMachine:
    """A machine at `address`, whose ssh server shows `host_key` (as in known_hosts, without the name)."""

    name: str
    container: Container
    address: str
    host_key: str


@dataclass(frozen=True)
class SshMachines:
    """Machines by name, and the private key that opens all of them for USER, who may become root."""

    machines: dict[str, SshMachine]
    private_key: Path

    def __getitem__(self, name: str) -> SshMachine:
        """The machine of a name."""
        return self.machines[name]


@contextlib.contextmanager
def ssh_machines(engine: Engine, directory: Path, *names: str) -> Iterator[SshMachines]:
    """Boot a machine for each name, and take them away after the block; the key is kept in `directory`."""
    require(ssh="openssh-client")
    key = directory / "key"
    public = make_key(key)
    with contextlib.ExitStack() as stack:
        started = {name: stack.enter_context(_started(engine, name)) for name in names}
        yield SshMachines({name: _opened(name, machine, public) for name, machine in started.items()}, key)


@contextlib.contextmanager
def _started(engine: Engine, name: str) -> Iterator[Container]:
    image = provide(engine, SSH_MACHINE)
    unique = f"nexus-ssh-{name}-{uuid.uuid4().hex[:8]}"
    with container(engine, unique, "--hostname", name, *SYSTEM, image, *BOOT) as machine:
        yield machine


def _opened(name: str, machine: Container, public_key: str) -> SshMachine:
    await_boot(machine)
    machine.run("sh", "-c", PREPARE, "sh", USER, public_key)
    wait_until(lambda: machine.attempt("systemctl", "is-active", "ssh").returncode == 0, f"sshd runs on {name}")
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = machine.engine.docker("inspect", "--format", template, machine.name)
    host_key = " ".join(machine.run("cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2])
    return SshMachine(name, machine, address, host_key)


PREPARE = """set -eu
useradd --create-home --shell /bin/bash "$1"
mkdir -m 700 "/home/$1/.ssh"
echo "$2" > "/home/$1/.ssh/authorized_keys"
chown -R "$1:" "/home/$1/.ssh"
echo "$1 ALL=(ALL) NOPASSWD: ALL" > "/etc/sudoers.d/$1"
rm -f /etc/ssh/ssh_host_*; ssh-keygen -A > /dev/null  # an image has the same for all
systemctl restart ssh
"""
