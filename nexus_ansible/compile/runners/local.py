# SPDX-License-Identifier: Apache-2.0
"""The machine that nexus-ansible itself runs on: instances are supervised processes under `.nexus/ENVIRONMENT/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.literal import literal
from nexus_ansible.compile.runners.entries import entry_addresses
from nexus_ansible.model.machines import LOCALHOST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nexus_ansible.model.platform import Environment, Instance
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

_HERE = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


class LocalRunner:
    """One machine, called `localhost`, which is also the control node."""

    role = "nexus.automation.runner_machine"
    passes = ()
    settings = frozenset({"address", "supervision"})

    def requires(self, environment: Environment) -> Collection[str]:  # noqa: ARG002
        """Nothing."""
        return ()

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:  # noqa: ARG002
        """Nothing that the schema and the rules for all environments leave over."""
        return iter(())

    def variables(self, environment: Environment) -> dict[str, Any]:
        """The directory of the environment, what supervises its processes, and where they listen."""
        return {
            "nexus_address": literal(environment.address),
            "nexus_machine": LOCALHOST,
            "runner_machine_home": f"{{{{ nexus_root }}}}/.nexus/{environment.name}",
            "runner_machine_supervision": environment.supervision or "supervisor",
        }

    def machines(self, environment: Environment) -> dict[str, dict[str, Any]]:  # noqa: ARG002
        """One machine; its variables stand with the control node."""
        return {LOCALHOST: {"nexus_instances": "{{ groups['services'] }}"}}

    def connection(self, environment: Environment) -> dict[str, Any]:  # noqa: ARG002
        """Instances are reached as processes of this machine."""
        return _HERE

    def placement(self, environment: Environment, instance: Instance) -> dict[str, Any]:  # noqa: ARG002
        """Every instance is on the one machine."""
        return {}

    def addresses(self, environment: Environment) -> list[str]:
        """Those of the proxies on their machines."""
        return entry_addresses(environment)

    def files(self, environment: Environment) -> dict[str, str]:  # noqa: ARG002
        """There are none."""
        return {}
