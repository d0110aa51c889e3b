# SPDX-License-Identifier: Apache-2.0
"""The machine that nexus-ansible itself runs on: instances are supervised processes under `.nexus/ENVIRONMENT/`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Instance

_HERE = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


class LocalRunner:
    """One machine, called `localhost`, which is also the control node."""

    def variables(self, environment: Environment) -> dict[str, Any]:
        """The directory of the environment, and what supervises its processes."""
        return {
            "runner_local_home": f"{{{{ nexus_root }}}}/.nexus/{environment.name}",
            "runner_local_supervision": environment.supervision,
        }

    def machines(self, environment: Environment) -> dict[str, dict[str, Any]]:  # noqa: ARG002
        """One machine; its variables stand with the control node."""
        return {"localhost": {}}

    def connection(self, environment: Environment) -> dict[str, Any]:  # noqa: ARG002
        """Instances are reached as processes of this machine."""
        return _HERE

    def placement(self, environment: Environment, instance: Instance) -> dict[str, Any]:  # noqa: ARG002
        """Every instance is on the one machine."""
        return {}
