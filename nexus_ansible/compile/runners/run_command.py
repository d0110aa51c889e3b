# SPDX-License-Identifier: Apache-2.0
"""The way to discovered machines by their cloud's Run Command: no ssh, no key, no open port.

It is taken by the connections `nexus.automation.CLOUD_run_command`, whose options are host variables: those that are
the same for all machines come from the registry, those of one machine from the source that discovers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus_ansible.registries.problems import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

RUN_COMMAND = "run_command"
_PREFIX = "prefix"


@dataclass(frozen=True)
class RunCommand:
    """A cloud's Run Command.

    `store` has what the registry must say of the object store, each with an example. `machine` are expressions that
    give the connection's options out of what the cloud tells of a machine, and `settings` those options that a
    discovery may have itself.
    """

    cloud: str
    store: Mapping[str, str]
    machine: Mapping[str, str]
    settings: tuple[str, ...] = ()

    def connection(self, discovery: Discovery) -> dict[str, Any]:
        """Variables of all machines. Commands run as root."""
        told = {**discovery.store, **{name: discovery.search.get(name) for name in self.settings}}
        prefix = told.pop(_PREFIX, None)
        given = {**{self._variable(name): value for name, value in told.items()}, "ansible_run_command_prefix": prefix}
        return {
            "ansible_become": False,
            "ansible_connection": f"nexus.automation.{self.cloud}_run_command",
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
            example = ", ".join(f"{key}: {value}" for key, value in self.store.items())
            what = f"the connection {RUN_COMMAND} needs a store"
            yield registries.problem(where, what, f"Add store: {{{example}}}.")
            return
        yield from self._check_store(registries, (*where, "store"), data["discovery"]["store"])

    def _check_store(self, registries: Registries, where: KeyPath, store: Mapping[str, Any]) -> Iterator[Problem]:
        for key, value in self.store.items():
            if key not in store:
                yield registries.problem(where, f'the store of "{self.cloud}" needs {key}', f"Add {key}: {value}.")
        known = sorted({*self.store, _PREFIX})
        for key in store:
            if key not in known:
                what = f'the store of "{self.cloud}" has no {quote(key)}'
                yield registries.problem((*where, key), what, f"Known: {', '.join(known)}.", key=True)

    def check_unused(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """What means nothing to an environment that is reached by ssh."""
        for key in ("store", *self.settings):
            if key in registries.get(path)["discovery"]:
                what = f"machines that are reached by ssh have no {key}"
                hint = f"Remove it, or write connection: {RUN_COMMAND}."
                yield registries.problem((*path, "discovery", key), what, hint, key=True)

    def _variable(self, name: str) -> str:
        return f"ansible_{self.cloud}_run_command_{name}"
