# SPDX-License-Identifier: Apache-2.0
"""What a large environment costs: a plan of 1,000 instances, and one host of 10,000.

The peer is ansible-playbook with the same compiled playbook, inventory and configuration, without a ledger.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measuring import REPOSITORY, Cost, Row, clean_environment, cost_of, in_turns
from benchmarks.projects import compile_again, write_project

ENVIRONMENT = "env-0"
ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
NEXUS = [sys.executable, "-m", "nexus_ansible", "plan", ENVIRONMENT]
BARE = [ANSIBLE, "-i", f"inventories/{ENVIRONMENT}", "playbooks/deployment_env_0.yml", "--check", "--diff"]
FORKS = ["--forks", "25"]
PEER = "`ansible-playbook --check`"
STATIC_S = 1.5


def rows(rounds: int) -> list[Row]:
    """Measure all rows about many instances."""
    return [*_plan_of_many(), _one_of_many(rounds)]


def _plan_of_many() -> list[Row]:
    """A plan asks every instance's tasks what they would change, so both take minutes and are measured once."""
    with tempfile.TemporaryDirectory() as name:
        project = _project(Path(name) / "project", services=100, replicas=10)
        static = cost_of([*NEXUS, "--static"], project, _environment(project))
        ours, bare = in_turns(partial(_ours, project), partial(_bare, project), rounds=1)
    return [
        _wall("`plan` of 1,000 instances, wall", ours, bare, 1.0),
        Row(
            "`plan --static` of 1,000 instances",
            f"{static.cpu:.2f} CPU s",
            "",
            "",
            f"<= {STATIC_S:g} CPU s",
            static.cpu <= STATIC_S,
        ),
    ]


def _one_of_many(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as name:
        project = _project(Path(name) / "project", services=1_000, replicas=10)
        limit = ("--limit", "svc-00500-3")
        ours, bare = in_turns(partial(_ours, project, *limit), partial(_bare, project, *limit), rounds=rounds)
    return _wall("`plan --limit` one instance of 10,000, wall", ours, bare, 1.05)


def _project(root: Path, services: int, replicas: int) -> Path:
    write_project(root, services, replicas)
    shutil.copy(REPOSITORY / "nexus_ansible" / "scaffold" / "ansible.cfg", root)
    compile_again(root)
    return root


def _ours(project: Path, *options: str) -> Cost:
    return cost_of([*NEXUS, *options], project, _environment(project))


def _bare(project: Path, *options: str) -> Cost:
    return cost_of([*BARE, *FORKS, *options], project, _environment(project))


def _environment(project: Path) -> dict[str, str]:
    return clean_environment(XDG_STATE_HOME=str(project / ".state"), NEXUS_LEDGER="false")


def _wall(work: str, ours: Cost, bare: Cost, limit: float) -> Row:
    ratio = ours.wall / bare.wall
    return Row(
        work, f"{ours.wall:.2f} s", f"{PEER}: {bare.wall:.2f} s", f"{ratio:.2f}x", f"<= {limit:g}x", ratio <= limit
    )
