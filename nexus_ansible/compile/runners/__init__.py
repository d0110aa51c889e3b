# SPDX-License-Identifier: Apache-2.0
"""Where instances run. A runner is one file here, one entry below, and one role `runner_NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from nexus_ansible.compile.runners.local import LocalRunner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.platform import Environment, Instance


class Runner(Protocol):
    """What a runner adds to an environment's inventory; its role places, drains, replaces and removes instances."""

    def variables(self, environment: Environment) -> Mapping[str, Any]:
        """Variables of all hosts."""
        ...

    def machines(self, environment: Environment) -> Mapping[str, Mapping[str, Any]]:
        """The computers, with their variables: hosts of the group `machines`."""
        ...

    def connection(self, environment: Environment) -> Mapping[str, Any]:
        """Variables of the group `services`: how Ansible reaches an instance."""
        ...

    def placement(self, environment: Environment, instance: Instance) -> Mapping[str, Any]:
        """Variables of one instance: which machine it is on."""
        ...


RUNNERS: dict[str, Runner] = {
    "local": LocalRunner(),
}
