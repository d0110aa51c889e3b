# SPDX-License-Identifier: Apache-2.0
"""A machine that systemd has booted: a container, with the Python environment of the tests in it at the same paths."""

from __future__ import annotations

import contextlib
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.servers.docker import Container, Engine, container
from tests.servers.images import SYSTEMD, provide
from tests.servers.playbook import REPOSITORY
from tests.servers.waiting import wait_until

BOOT_LIMIT_S = 120
UNIFIED = Path("/sys/fs/cgroup/cgroup.controllers")
# Shared mounts and the capability are what a unit's sandbox and credentials take; a container has neither by itself.
GROUPS = f"/sys/fs/cgroup:/sys/fs/cgroup:{'rw' if UNIFIED.exists() else 'ro'}"
MEMORY = [word for path in ("/run", "/run/lock", "/tmp") for word in ("--tmpfs", path)]
# What `docker run` takes so that systemd can be the first process.
SYSTEM = ["--cap-add", "SYS_ADMIN", "--stop-signal", "SIGRTMIN+3", "--cgroupns", "host", "--volume", GROUPS, *MEMORY]
BOOT = ("sh", "-c", "mount --make-rshared / && exec /sbin/init")


@contextlib.contextmanager
def booted(engine: Engine) -> Iterator[Container]:
    """Boot a machine, and take it away after the block."""
    image = provide(engine, SYSTEMD)
    mounts = [word for path in _environment() for word in ("--volume", f"{path}:{path}:ro")]
    name = f"nexus-systemd-{uuid.uuid4().hex[:12]}"
    with container(engine, name, *SYSTEM, *mounts, image, *BOOT) as machine:
        await_boot(machine)
        parents = {str(parent) for path in _environment() for parent in path.parents}
        machine.run("chmod", "a+rx", *sorted(parents))  # the container's own directories: a plain user comes through
        yield machine


def reboot(machine: Container) -> None:
    """Shut the machine down and boot it again: memory is lost, disks are kept."""
    machine.engine.docker("restart", "--time", "60", machine.name)
    await_boot(machine)


def await_boot(machine: Container) -> None:
    """Wait until every unit of the boot has started or failed."""

    def is_up() -> bool:
        return machine.attempt("systemctl", "is-system-running").stdout.strip() in {"running", "degraded"}

    wait_until(is_up, f"systemd boots in {machine.name}", BOOT_LIMIT_S)


def _environment() -> list[Path]:
    paths = {REPOSITORY, Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr")}
    return sorted(path for path in paths if not paths & set(path.parents))
