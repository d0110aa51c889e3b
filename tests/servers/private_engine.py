# SPDX-License-Identifier: Apache-2.0
"""A Docker engine that a test may stop, with a network of its own: its ports are reached only from its containers.

Two engines in one network would fight over the bridge and the packet filter, so this one is in another (ip-netns(8)).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.debian import locked, require
from tests.servers.docker import CACHE, Engine, start_engine, stop_engine
from tests.servers.short_paths import short_directory


@dataclass(frozen=True)
class PrivateEngine:
    """An engine whose socket and state are in `directory`."""

    directory: Path

    @property
    def engine(self) -> Engine:
        """The engine itself."""
        return Engine(f"unix://{self.directory}/docker.sock")

    def start(self) -> None:
        """Start it; containers that are to run unless they are stopped do so again."""
        options = ("--data-root", str(CACHE / "private"), "--exec-root", str(self.directory / "exec"))
        alone = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
        argv = (*alone, "dockerd", "--host", self.engine.host, "--group", "root", *options)
        start_engine(self.engine, (*argv, "--pidfile", str(self.pid_file)), CACHE / "private.log")

    def stop(self) -> None:
        """Stop it, and with it its containers."""
        stop_engine(self.pid_file)

    @property
    def pid_file(self) -> Path:
        """Where its process id is."""
        return self.directory / "pid"


@contextlib.contextmanager
def private_engine() -> Iterator[PrivateEngine]:
    """Run one until the block ends; only its images stay, for the next. There is one at a time."""
    require(dockerd="docker.io", ip="iproute2", iptables="iptables", mmdebstrap="mmdebstrap")
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(CACHE / "private.lock"), short_directory() as directory:
        private = PrivateEngine(directory)
        private.start()
        try:
            private.engine.empty()
            yield private
            private.engine.empty()
        finally:
            private.stop()
