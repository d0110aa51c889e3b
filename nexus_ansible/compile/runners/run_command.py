# SPDX-License-Identifier: Apache-2.0
"""The way to discovered machines by their cloud's Run Command: no ssh, no key, no open port.

It is taken by the connections `nexus.automation.CLOUD_run_command`, whose options are host variables: those that are
the same for all machines come from the registry, those of one machine from the source that discovers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.runners.object_store import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.compile.runners.object_store import ObjectStore
    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

RUN_COMMAND = "run_command"


@dataclass(frozen=True)
class RunCommand:
    """A cloud's Run Command.

    `machine` are expressions that give the connection's options out of what the cloud tells of a machine, and
    `settings` those options that a discovery may have itself.
    """

    store: ObjectStore
    machine: Mapping[str, str]
    settings: tuple[str, ...] = ()

    def connection(self, discovery: Discovery) -> dict[str, Any]:
        """Variables of all machines. Commands run as root."""
        told = {**discovery.store, **{name: discovery.search.get(name) for name in self.settings}}
        prefix = told.pop(PREFIX, None)
        given = {**{self._variable(name): value for name, value in told.items()}, "ansible_run_command_prefix": prefix}
        return {
            "ansible_become": False,
            "ansible_connection": f"nexus.automation.{self.store.cloud}_run_command",
            **{name: value for name, value in given.items() if value is not None},
        }

    def expressions(self) -> dict[str, str]:
        """Variables of each machine, as expressions."""
        return {self._variable(name): expression for name, expression in self.machine.items()}

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """What an environment that is reached so has too little or too much of."""
        data: Mapping[str, Any] = registries.get(path)
        where = (*path, "discovery")
        for key in ("bastions", "ssh"):
            if key in data:
                what = f'machines that are reached by {RUN_COMMAND} have no "{key}"'
                yield registries.problem((*path, key), what, "Remove it, or write connection: ssh.", key=True)
        if data["discovery"].get("address") == "public":
            what = f"machines that are reached by {RUN_COMMAND} need no public address"
            yield registries.problem((*where, "address"), what, "Remove the line, or write connection: ssh.")
        if "store" not in data["discovery"]:
            what = f"the connection {RUN_COMMAND} needs a store"
            yield registries.problem(where, what, f"Add {self.store.example}.")

    def check_unused(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """What means nothing to an environment that is reached by ssh."""
        for key in self.settings:
            if key in registries.get(path)["discovery"]:
                what = f"machines that are reached by ssh have no {key}"
                hint = f"Remove it, or write connection: {RUN_COMMAND}."
                yield registries.problem((*path, "discovery", key), what, hint, key=True)

    def _variable(self, name: str) -> str:
        return f"ansible_{self.store.cloud}_run_command_{name}"
