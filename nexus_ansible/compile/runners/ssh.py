# SPDX-License-Identifier: Apache-2.0
"""Machines that the control node reaches by ssh: instances are units of their systemd."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.nexus.automation.plugins.module_utils.discovery import way
from nexus_ansible.compile.paths import inventory_file
from nexus_ansible.compile.runners.entries import entry_addresses
from nexus_ansible.compile.runners.ssh_options import (
    KNOWN_HOSTS,
    common_arguments,
    control_path,
    key_file,
    known_hosts,
    shared_options,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nexus_ansible.model.machines import Machine
    from nexus_ansible.model.platform import Environment, Instance
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

HOME = "{{ nexus_project }}-{{ nexus_environment }}"
HOMES = {True: f"/var/lib/nexus/{HOME}", False: f"~/.local/share/nexus/{HOME}"}
"""Directory of the environment on a machine, by whether tasks run as root there."""

BY_SSH = {"ansible_connection": "ssh", "ansible_host_key_checking": True}
ALWAYS = {
    "ansible_pipelining": True,
    # The run's own environment names a directory of the control node.
    "ansible_remote_tmp": "~/.ansible/tmp",
}
ON_SYSTEMD = {
    "runner_installs": True,
    "runner_machine_accounts": True,
    "runner_machine_limits": "{{ nexus_resource_limits | default({}) }}",
    "runner_machine_supervision": "systemd",
    "service_provider": "system",
    "service_proxy_server": "nginx",
}
"""What the role needs to know of machines that are not the control node."""
_OWN = frozenset({"ansible_control_path", "ansible_host", "nexus_address", "nexus_machine", "runner_machine_home"})


@dataclass(frozen=True)
class _Ways:
    """Variables that lead to machines: those of all, and those of each by name."""

    common: dict[str, Any]
    own: dict[str, dict[str, Any]]


class SshRunner:
    """Every machine of the environment is a host, and so is every instance, which is reached as its machine is."""

    role = "nexus.automation.runner_machine"
    passes = ()
    settings = frozenset({"bastions", "machine_groups", "machines", "ssh", "supervision"})

    def __init__(self) -> None:
        self._last: tuple[Environment, _Ways] | None = None

    def requires(self, environment: Environment) -> Collection[str]:  # noqa: ARG002
        """Nothing: ssh itself is told of by Ansible."""
        return ()

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """There must be machines, and systemd on them."""
        data: Mapping[str, Any] = registries.get(path)
        if "machines" not in data:
            hint = f"Add {'.'.join(map(str, path))}.machines, for example machines: {{web-1: {{address: 192.0.2.1}}}}."
            yield registries.problem(path, 'the runner "ssh" needs machines', hint, key=True)
        if data.get("supervision") == "supervisor":
            what = "the ssh runner supervises with systemd"
            yield registries.problem((*path, "supervision"), what, "Remove the line, or write systemd.")

    def variables(self, environment: Environment) -> dict[str, Any]:
        """What the role needs to know, and what the ways to machines have in common.

        A machine on which tasks are not root differs in its home.
        """
        return {
            "runner_machine_home": HOMES[_mostly_root(environment)],
            **ON_SYSTEMD,
            **shared_options(environment.machines, environment.bastions),
        }

    def machines(self, environment: Environment) -> dict[str, dict[str, Any]]:
        """Each machine with its instances, and what it does not have in common with the others."""
        placed: dict[str, list[str]] = {name: [] for name in environment.machines}
        for instance in environment.instances:
            placed[instance.machine].append(instance.name)
        return {name: {**way, "nexus_instances": placed[name]} for name, way in self._ways(environment).own.items()}

    def connection(self, environment: Environment) -> dict[str, Any]:
        """What all machines have in common, or most of them where each says something."""
        return self._ways(environment).common

    def placement(self, environment: Environment, instance: Instance) -> dict[str, Any]:
        """The machine, and the same way there: an instance and its machine share one connection."""
        return self._ways(environment).own[instance.machine]

    def addresses(self, environment: Environment) -> list[str]:
        """Those of the proxies on their machines."""
        return entry_addresses(environment)

    def files(self, environment: Environment) -> dict[str, str]:
        """The host keys that the registry holds."""
        text = known_hosts(environment.machines, environment.bastions)
        return {inventory_file(environment.name, KNOWN_HOSTS): text} if text else {}

    def _ways(self, environment: Environment) -> _Ways:
        """Kept for the environment asked for last, because each of thousands of instances asks."""
        if self._last is None or self._last[0] is not environment:
            self._last = (environment, _compare(environment))
        return self._last[1]


def _compare(environment: Environment) -> _Ways:
    """Tell what machines have in common from what is each one's own, which keeps inventories small."""
    ways = {name: _way(environment, machine) for name, machine in environment.machines.items()}
    keys = set.intersection(*(set(way) for way in ways.values())) - _OWN
    common = {key: Counter(way[key] for way in ways.values()).most_common(1)[0][0] for key in sorted(keys)}
    homes = {"runner_machine_home": HOMES[_mostly_root(environment)]}
    own = {
        name: {key: value for key, value in way.items() if (common | homes).get(key) != value}
        for name, way in ways.items()
    }
    return _Ways({**BY_SSH, **ALWAYS, **common}, own)


def _way(environment: Environment, machine: Machine) -> dict[str, Any]:
    ssh = machine.ssh
    given = {
        "ansible_ssh_private_key_file": ssh.private_key_file and key_file(ssh.private_key_file),
        "ansible_user": ssh.user,
    }
    return {
        "ansible_become": ssh.become,
        "ansible_control_path": control_path(ssh, environment.bastions),
        "ansible_port": ssh.port,
        "ansible_python_interpreter": ssh.python,
        "ansible_ssh_common_args": common_arguments(ssh),
        "ansible_ssh_timeout": math.ceil(ssh.connect_timeout),
        "runner_machine_home": HOMES[ssh.become],
        **way(machine.name, machine.address, ssh.host),
        **{key: value for key, value in given.items() if value is not None},
    }


def _mostly_root(environment: Environment) -> bool:
    roots = sum(machine.ssh.become for machine in environment.machines.values())
    return 2 * roots >= len(environment.machines)
