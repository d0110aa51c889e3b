# SPDX-License-Identifier: Apache-2.0
"""Machines that a cloud's inventory finds at the beginning of each run: what all runners for such machines share.

The inventory has files that Ansible reads in the order of their names: `hosts`, with instances that are on no machine
yet; the sources of the cloud's own inventory plugin, `machines.…`; and `placed.yml`, by which
`nexus.automation.placed` puts instances on the machines that were found. Which those are is told by the cloud alone,
never by a compiled file.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.paths import inventory_file
from nexus_ansible.compile.runners.run_command import RUN_COMMAND
from nexus_ansible.compile.runners.ssh import ALWAYS, BY_SSH, HOMES, ON_SYSTEMD
from nexus_ansible.compile.runners.ssh_options import (
    KNOWN_HOSTS,
    discovered_arguments,
    discovered_control_path,
    key_file,
    known_hosts,
    shared_options,
)
from nexus_ansible.compile.yaml_text import yaml_text
from nexus_ansible.model.discovery import COMMON
from nexus_ansible.model.services import SINGLE_INSTANCE
from nexus_ansible.registries.problems import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nexus_ansible.compile.runners.run_command import RunCommand
    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.model.machines import Ssh
    from nexus_ansible.model.platform import Environment, Instance, Service
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

PLACED = "placed.yml"
_NOWHERE = "the machines of {name} were not discovered: the inventory is the directory inventories/{name}"


class DiscoveredRunner:
    """What does not depend on the cloud.

    Machines are reached by ssh or by the cloud's Run Command, and each instance as its machine is.
    """

    role = "nexus.automation.runner_machine"
    settings: frozenset[str] = frozenset({"bastions", "discovery", "ssh", "supervision"})
    passes: Collection[str] = ()
    name = ""
    search: Mapping[str, str] = {}
    """What a discovery must say, with an example of each."""
    options: Collection[str] = ()
    """What it may say besides what every discovery may."""
    run_command: RunCommand

    def sources(self, discovery: Discovery) -> dict[str, dict[str, Any]]:
        """Options of the cloud's inventory plugin by file, whose name begins with `machines`.

        They have it set `nexus_discovered` for each host, as `composed` tells.
        """
        raise NotImplementedError

    def artefacts(self, discovery: Discovery) -> dict[str, Any]:
        """The store that artefacts go through."""
        return self.run_command.store.artefacts(discovery)

    def looked_in(self, discovery: Discovery) -> Mapping[str, Collection[str]]:  # noqa: ARG002
        """Values by label, for each of which a machine must be found: where a source does not tell what failed."""
        return {}

    def composed(self, machine: Mapping[str, str], discovery: Discovery) -> dict[str, str]:
        """The option `compose` of a source, out of expressions by what they tell of a machine."""
        told = dict(machine)
        if discovery.connection == RUN_COMMAND:
            told["variables"] = _mapping(self.run_command.expressions())
        return {"nexus_discovered": _mapping(told)}

    def requires(self, environment: Environment) -> Collection[str]:
        """The cloud's client, and its inventory plugin."""
        raise NotImplementedError

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """There must be a discovery that says all that this cloud needs, and systemd on the machines."""
        data: Mapping[str, Any] = registries.get(path)
        example = ", ".join(f"{key}: {value}" for key, value in self.search.items())
        if "discovery" not in data:
            hint = f"Add {'.'.join(map(str, path))}.discovery: {{{example}}}."
            yield registries.problem(path, f'the runner "{self.name}" needs a discovery', hint, key=True)
            return
        yield from self._check_search(registries, (*path, "discovery"), data["discovery"])
        yield from self.run_command.store.check(registries, path)
        by_run_command = data["discovery"].get("connection") == RUN_COMMAND
        yield from (self.run_command.check if by_run_command else self.run_command.check_unused)(registries, path)
        if data.get("supervision") == "supervisor":
            what = f'the runner "{self.name}" supervises with systemd'
            yield registries.problem((*path, "supervision"), what, "Remove the line, or write systemd.")

    def _check_search(self, registries: Registries, where: KeyPath, discovery: Mapping[str, Any]) -> Iterator[Problem]:
        for key, value in self.search.items():
            if key not in discovery:
                yield registries.problem(where, f'the discovery of "{self.name}" needs {key}', f"Add {key}: {value}.")
        known = {*COMMON, *self.search, *self.options}
        for key in discovery:
            if key not in known:
                what = f'the discovery of "{self.name}" has no {quote(key)}'
                yield registries.problem((*where, key), what, f"Known: {', '.join(sorted(known))}.", key=True)

    def variables(self, environment: Environment) -> dict[str, Any]:
        """What the role needs to know, and the ways to bastions."""
        discovery = _discovery(environment)
        stored = {"runner_machine_store": self.artefacts(discovery)} if discovery.store else {}
        home = HOMES[discovery.ssh.become]
        return {"runner_machine_home": home, **stored, **ON_SYSTEMD, **shared_options({}, environment.bastions)}

    def machines(self, environment: Environment) -> dict[str, dict[str, Any]]:  # noqa: ARG002
        """None is known yet."""
        return {}

    def connection(self, environment: Environment) -> dict[str, Any]:
        """The way to any machine. One whose address nobody discovered has none."""
        discovery = _discovery(environment)
        nowhere = _NOWHERE.format(name=environment.name)
        by_run_command = discovery.connection == RUN_COMMAND
        return {
            **ALWAYS,
            "ansible_host": f"{{{{ undef(hint='{nowhere}') }}}}",
            "ansible_python_interpreter": discovery.ssh.python,
            **(self.run_command.connection(discovery) if by_run_command else _by_ssh(discovery.ssh, environment)),
        }

    def placement(self, environment: Environment, instance: Instance) -> dict[str, Any]:  # noqa: ARG002
        """Told by `placed.yml`."""
        return {}

    def addresses(self, environment: Environment) -> tuple[str, ...]:  # noqa: ARG002
        """Unknown before the machines are discovered."""
        return ()

    def files(self, environment: Environment) -> dict[str, str]:
        """The sources of machines and of their instances, and the host keys of bastions."""
        keys = known_hosts({}, environment.bastions)
        discovery = _discovery(environment)
        sources = {**self.sources(discovery), PLACED: _placed(environment, self.looked_in(discovery))}
        texts = {**{name: yaml_text(data) for name, data in sources.items()}, **({KNOWN_HOSTS: keys} if keys else {})}
        return {inventory_file(environment.name, name): text for name, text in texts.items()}


def _discovery(environment: Environment) -> Discovery:
    assert environment.discovery is not None
    return environment.discovery


def _by_ssh(ssh: Ssh, environment: Environment) -> dict[str, Any]:
    given = {
        "ansible_ssh_private_key_file": ssh.private_key_file and key_file(ssh.private_key_file),
        "ansible_user": ssh.user,
    }
    return {
        **BY_SSH,
        "ansible_become": ssh.become,
        "ansible_control_path": discovered_control_path(ssh, environment.bastions),
        "ansible_port": ssh.port,
        "ansible_ssh_common_args": discovered_arguments(ssh),
        "ansible_ssh_timeout": math.ceil(ssh.connect_timeout),
        **{key: value for key, value in given.items() if value is not None},
    }


def _mapping(expressions: Mapping[str, str]) -> str:
    """The expression of a mapping whose values are expressions."""
    return "{" + ", ".join(f'"{key}": {value}' for key, value in expressions.items()) + "}"


def _placed(environment: Environment, looked_in: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """The options of the inventory plugin `nexus.automation.placed`."""
    discovery = _discovery(environment)
    return {
        "plugin": "nexus.automation.placed",
        "environment": environment.name,
        "at_least": discovery.at_least,
        **({"labels": dict(discovery.labels)} if discovery.labels else {}),
        **({"looked_in": {label: list(values) for label, values in looked_in.items()}} if looked_in else {}),
        "services": [_service(service) for service in environment.services.values()],
    }


def _service(service: Service) -> dict[str, Any]:
    rule = service.placement
    wanted = {
        "resources": dict(service.resources),
        "machines": list(rule.machines),
        "labels": dict(rule.labels),
        "spread": rule.spread,
        "max_per_machine": rule.max_per_machine,
        "stays": service.capability in SINGLE_INSTANCE,
    }
    needs = {key: value for key, value in wanted.items() if value}
    return {"service": service.name, "instances": service.scaling.min_replicas, **needs}
