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
from nexus_ansible.compile.runners.ssh import ALWAYS, HOMES, ON_SYSTEMD
from nexus_ansible.compile.runners.ssh_options import (
    KNOWN_HOSTS,
    discovered_arguments,
    discovered_control_path,
    key_file,
    known_hosts,
    shared_options,
)
from nexus_ansible.compile.yaml_text import yaml_text
from nexus_ansible.model.services import SINGLE_INSTANCE
from nexus_ansible.registries.problems import quote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.model.platform import Environment, Instance, Service
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

PLACED = "placed.yml"
_NOWHERE = "the machines of {name} were not discovered: the inventory is the directory inventories/{name}"


class DiscoveredRunner:
    """What does not depend on the cloud. Machines are reached by ssh, and each instance as its machine is."""

    role = "nexus.automation.runner_machine"
    settings: Collection[str] = frozenset({"bastions", "discovery", "ssh", "supervision"})
    passes: Collection[str] = ()
    name = ""
    search: Mapping[str, str] = {}
    """What a discovery must say, with an example of each."""
    options: Collection[str] = ()
    """What it may say besides what every discovery may."""

    def sources(self, discovery: Discovery) -> dict[str, dict[str, Any]]:
        """Options of the cloud's inventory plugin by file, whose name begins with `machines`.

        They have it set `nexus_discovered` for each host.
        """
        raise NotImplementedError

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
        discovery: Mapping[str, Any] = data["discovery"]
        for key, value in self.search.items():
            if key not in discovery:
                where = (*path, "discovery")
                yield registries.problem(where, f'the discovery of "{self.name}" needs {key}', f"Add {key}: {value}.")
        known = {"address", "expect", "labels", *self.search, *self.options}
        for key in discovery:
            if key not in known:
                what = f'the discovery of "{self.name}" has no {quote(key)}'
                hint = f"Known: {', '.join(sorted(known))}."
                yield registries.problem((*path, "discovery", key), what, hint, key=True)
        if data.get("supervision") == "supervisor":
            what = f'the runner "{self.name}" supervises with systemd'
            yield registries.problem((*path, "supervision"), what, "Remove the line, or write systemd.")

    def variables(self, environment: Environment) -> dict[str, Any]:
        """What the role needs to know, and the ways to bastions."""
        home = HOMES[_discovery(environment).ssh.become]
        return {"runner_machine_home": home, **ON_SYSTEMD, **shared_options({}, environment.bastions)}

    def machines(self, environment: Environment) -> dict[str, dict[str, Any]]:  # noqa: ARG002
        """None is known yet."""
        return {}

    def connection(self, environment: Environment) -> dict[str, Any]:
        """The way to any machine. One whose address nobody discovered has none."""
        ssh = _discovery(environment).ssh
        given = {
            "ansible_ssh_private_key_file": ssh.private_key_file and key_file(ssh.private_key_file),
            "ansible_user": ssh.user,
        }
        nowhere = _NOWHERE.format(name=environment.name)
        return {
            **ALWAYS,
            "ansible_become": ssh.become,
            "ansible_control_path": discovered_control_path(ssh, environment.bastions),
            "ansible_host": f"{{{{ undef(hint='{nowhere}') }}}}",
            "ansible_port": ssh.port,
            "ansible_python_interpreter": ssh.python,
            "ansible_ssh_common_args": discovered_arguments(ssh),
            "ansible_ssh_timeout": math.ceil(ssh.connect_timeout),
            **{key: value for key, value in given.items() if value is not None},
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
        sources = {**self.sources(_discovery(environment)), PLACED: _placed(environment)}
        texts = {**{name: yaml_text(data) for name, data in sources.items()}, **({KNOWN_HOSTS: keys} if keys else {})}
        return {inventory_file(environment.name, name): text for name, text in texts.items()}


def _discovery(environment: Environment) -> Discovery:
    assert environment.discovery is not None
    return environment.discovery


def _placed(environment: Environment) -> dict[str, Any]:
    """The options of the inventory plugin `nexus.automation.placed`."""
    discovery = _discovery(environment)
    return {
        "plugin": "nexus.automation.placed",
        "environment": environment.name,
        "at_least": discovery.at_least,
        **({"labels": dict(discovery.labels)} if discovery.labels else {}),
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
