# SPDX-License-Identifier: Apache-2.0
"""Where people reach an environment whose instances listen on machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment


def entry_addresses(environment: Environment) -> list[str]:
    """URLs of the proxies, else nothing."""
    return [
        f"http://{environment.machines[instance.machine].address}:{instance.port}/"
        for instance in environment.instances
        if instance.service in environment.proxies
    ]
