# SPDX-License-Identifier: Apache-2.0
"""Where the platform of the contract stands: one file for each runner, and one entry here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from tests.contract.grounds.aws import aws_ground
from tests.contract.grounds.azure import azure_ground
from tests.contract.grounds.docker import docker_ground
from tests.contract.grounds.kubernetes import kubernetes_ground
from tests.contract.grounds.local import local_ground
from tests.contract.grounds.ssh import ssh_ground


class Ground(Protocol):
    """A place that a runner works on, with nothing deployed there yet."""

    @property
    def environment(self) -> dict[str, Any]:
        """The environment's entry in the orchestration registry."""
        ...

    @property
    def variables(self) -> dict[str, str]:
        """What a shell's environment must have to reach it."""
        ...

    @property
    def url(self) -> str:
        """The address of the platform's proxy, without a slash at the end."""
        ...

    def kill(self, instance: dict[str, Any]) -> None:
        """Kill the process of an instance, a row of `status`; what supervises it is left alone."""
        ...

    def stop(self, instance: dict[str, Any]) -> None:
        """Stop an instance as a person would who goes around nexus-ansible: it stays stopped."""
        ...

    def left(self) -> list[str]:
        """What is left on the ground of the environment that was taken down, but for its data."""
        ...


GROUNDS: dict[str, Callable[[Path], AbstractContextManager[Ground]]] = {
    "aws": aws_ground,
    "azure": azure_ground,
    "docker": docker_ground,
    "kubernetes": kubernetes_ground,
    "local": local_ground,
    "ssh": ssh_ground,
}
