# SPDX-License-Identifier: Apache-2.0
"""The machines of the ground `ssh`, of which the platform knows only what Azure tells."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.grounds.ssh import SshGround, ssh_ground, tier_of
from tests.servers.azure_resource_manager import GROUP, PLATFORM, running_resource_manager
from tests.servers.ssh_machines import USER


@dataclass(frozen=True)
class AzureGround(SshGround):
    """Machines that are in a resource group."""

    @property
    def environment(self) -> dict[str, Any]:
        """Where to look, and nothing of any one machine."""
        search = {"resource_groups": [GROUP.lower()], "tags": {"platform": PLATFORM}}
        return {
            "runner": "azure",
            "ssh": {"user": USER, "private_key_file": str(self.machines.private_key)},
            "discovery": {**search, "expect": {"min": len(self.machines.machines)}},
            "overrides": self.overrides,
        }


@contextlib.contextmanager
def azure_ground(project: Path) -> Iterator[AzureGround]:
    """Boot the machines and describe them."""
    with ssh_ground(project) as ground, running_resource_manager(project.parent) as cloud:
        for machine in ground.machines.machines.values():
            tags = {"nexus-label-tier": tier_of(machine), "nexus-host-key": machine.host_key}
            cloud.describe(machine.name, machine.address, **tags)
        yield AzureGround(ground.machines, ground.overrides, cloud.environment)
