# SPDX-License-Identifier: Apache-2.0
"""The example platform on ten machines that ssh reaches.

The peer is bare ansible-playbook with the same tasks, inventory and configuration, pipelining among it, and no ledger.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import REPOSITORY, Cost, Row, clean_environment, cost_of, in_turns
from tests.contract.grounds.ssh import OVERRIDES, ssh_ground
from tests.contract.platform import REASON, Platform, make_platform
from tests.integration.roles.scratch import SECRETS

if TYPE_CHECKING:
    from collections.abc import Sequence

WEB = tuple(f"web-{number}" for number in range(1, 10))
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
APPLY = [sys.executable, "-m", "nexus_ansible", "apply", "production", *REASON]
BARE = [ANSIBLE, "-i", "inventories/production/hosts", "playbooks/deployment_production.yml", "--diff", "--forks", "25"]
LIMIT = 1.05


def rows(rounds: int) -> list[Row]:
    """Apply to machines where the platform was taken down, in turns."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "project"
        with ssh_ground(root, WEB, OVERRIDES) as ground:
            platform = make_platform(root, ground)
            shutil.copy(REPOSITORY / "nexus_ansible" / "scaffold" / "ansible.cfg", root)
            platform.apply()  # machines have the packages of the distribution from now on
            ours, bare = in_turns(partial(_fresh, platform, APPLY), partial(_fresh, platform, BARE), rounds=rounds)
    ratio = ours.wall / bare.wall
    return [
        Row(
            "`apply` of the example platform over 10 ssh hosts, wall",
            f"{ours.wall:.1f} s",
            f"bare `ansible-playbook`: {bare.wall:.1f} s",
            f"{ratio:.2f}x",
            f"<= {LIMIT:g}x",
            ratio <= LIMIT,
        )
    ]


def _fresh(platform: Platform, command: Sequence[str]) -> Cost:
    platform.run("down", "production", "--remove-data", *REASON)
    ledger = {"NEXUS_LEDGER": "false"} if command is BARE else {}
    return cost_of(command, platform.root, clean_environment(**SECRETS, **ledger))
