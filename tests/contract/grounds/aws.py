# SPDX-License-Identifier: Apache-2.0
"""The machines of the ground `ssh`, of which the platform knows only what EC2 tells. Artefacts go through S3."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.grounds.ssh import SshGround, ssh_ground, tier_of
from tests.servers.docker import GATEWAY
from tests.servers.ec2 import FILTER, REGION, VARIABLES, describe, make_bucket, objects, put_alarm, running_ec2
from tests.servers.ssh_machines import USER

BUCKET = "example-run-command"
ALARM = "errors of the platform"


@dataclass(frozen=True)
class AwsGround(SshGround):
    """Machines that have an entry in EC2."""

    @property
    def environment(self) -> dict[str, Any]:
        """Where to look, and nothing of any one machine."""
        return {
            "runner": "aws",
            "ssh": {"user": USER, "private_key_file": str(self.machines.private_key)},
            "discovery": {
                "regions": [REGION],
                "filters": FILTER,
                "expect": {"min": len(self.machines.machines)},
                "store": {"bucket": BUCKET},
            },
            "aws": {"alarms": [{"name": ALARM, "region": REGION}]},
            "overrides": self.overrides,
        }


@contextlib.contextmanager
def aws_ground(project: Path) -> Iterator[AwsGround]:
    """Boot the machines and describe them."""
    with ssh_ground(project) as ground, running_ec2(GATEWAY) as endpoint:
        put_alarm(endpoint, REGION, ALARM)
        make_bucket(endpoint, REGION, BUCKET)
        for machine in ground.machines.machines.values():
            tags = {"nexus-label-tier": tier_of(machine), "nexus-host-key": machine.host_key}
            describe(endpoint, REGION, machine.name, machine.address, **tags)
        yield AwsGround(ground.machines, ground.overrides, {**VARIABLES, "AWS_ENDPOINT_URL": endpoint})
        assert any("/artefacts/" in name for name in objects(endpoint, REGION, BUCKET))
