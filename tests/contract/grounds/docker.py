# SPDX-License-Identifier: Apache-2.0
"""A Docker engine, with images of Debian's packages."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.docker import Engine, running_engine
from tests.servers.images import PLATFORM, PYTHON, provide
from tests.servers.ports import free_port
from tests.servers.strategy import FAST

PROJECT = "nexus"
LABELS = (f"label=nexus.project={PROJECT}", "label=nexus.environment=production")
SERVERS = ("postgresql", "redis", "proxy")


@dataclass(frozen=True)
class DockerGround:
    """An engine that has the images. What checks are made in has nothing but a Python."""

    engine: Engine
    web_image: str
    servers_image: str
    port: int = field(default_factory=free_port)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, Any]:
        """One engine, and images that no registry has."""
        images = {"web": self.web_image, **dict.fromkeys(SERVERS, self.servers_image)}
        return {
            "runner": "docker",
            "docker": {"host": self.engine.host, "images": images},
            "overrides": {"orchestration": {"services": {"proxy": {"port": self.port}}}, **FAST},
        }

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self, instance: dict[str, Any]) -> None:
        """Kill the first process of its container, which for the engine is a failure of the instance."""
        os.kill(instance["pid"], signal.SIGKILL)

    def stop(self, instance: dict[str, Any]) -> None:
        """Have the engine stop it."""
        self.engine.docker("stop", f"{PROJECT}-production-{instance['instance']}")

    def left(self) -> list[str]:
        """Containers, networks and images of the environment."""
        told = []
        for argv in (("ps", "--all"), ("network", "ls"), ("images",)):
            filters = [word for label in LABELS for word in ("--filter", label)]
            told += self.engine.docker(*argv, "--quiet", *filters).split()
        return told

    def remove_data(self) -> None:
        """Remove the volumes, which outlive an environment that was taken down."""
        filters = [word for label in LABELS for word in ("--filter", label)]
        if left := self.engine.docker("volume", "ls", "--quiet", *filters).split():
            self.engine.docker("volume", "rm", *left)


@contextlib.contextmanager
def docker_ground(project: Path) -> Iterator[DockerGround]:
    """Make the images."""
    with running_engine() as engine:
        ground = DockerGround(engine, provide(engine, PYTHON), provide(engine, PLATFORM))
        try:
            yield ground
        finally:
            ground.remove_data()
