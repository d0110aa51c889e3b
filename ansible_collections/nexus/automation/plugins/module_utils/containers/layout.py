# SPDX-License-Identifier: Apache-2.0
"""Where everything of an instance is in its container, and what containers of an environment are called."""

from __future__ import annotations

from dataclasses import dataclass

USER = 65534
"""Number of the user and of the group that instances run as: `nobody`, who owns nothing else."""

ROOM = "/nexus"
LAUNCHER = f"{ROOM}/run"
STATE = f"{ROOM}/state.json"
SECRETS = f"{ROOM}/secrets.env"
VERSIONS = f"{ROOM}/versions"
CURRENT = f"{ROOM}/current"
RELEASES = f"{ROOM}/releases"
DATA = f"{ROOM}/data"
GATES = f"{ROOM}/gates"
RUNTIME = f"{ROOM}/runtime"

LABELS = {key: f"nexus.{key}" for key in ("project", "environment", "instance", "version", "release")}


@dataclass(frozen=True)
class Ground:
    """One environment of one project on an engine."""

    project: str
    environment: str

    @property
    def network(self) -> str:
        """Name of its network."""
        return f"{self.project}-{self.environment}"

    @property
    def console(self) -> str:
        """Name of the container that checks are made from, and that keeps the volume of gates."""
        return f"{self.network}-console"

    @property
    def gates(self) -> str:
        """Name of the volume of its proxies' gates."""
        return f"{self.network}-gates"

    @property
    def labels(self) -> dict[str, str]:
        """What everything of it is labelled with."""
        return {LABELS["project"]: self.project, LABELS["environment"]: self.environment}

    @property
    def filters(self) -> dict[str, list[str]]:
        """The labels, as an engine is asked for them."""
        return {"label": [f"{key}={value}" for key, value in self.labels.items()]}

    def container(self, instance: str) -> str:
        """Name of the container that an instance is."""
        return f"{self.network}-{instance}"

    def kept(self, instance: str, version: str) -> str:
        """Name of a stopped container of the instance, which is kept until another version is good."""
        return f"{self.container(instance)}.{restart_part(version)}"

    def data(self, instance: str) -> str:
        """Name of the volume of an instance's data."""
        return f"{self.container(instance)}-data"


def restart_part(version: str) -> str:
    """The part of a version's name that tells what a process must be restarted for."""
    return version.partition("-")[0]
