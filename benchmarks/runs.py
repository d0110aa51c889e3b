# SPDX-License-Identifier: Apache-2.0
"""What a run costs above bare ansible-playbook of the same playbook and inventory."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import Cost, Row, cost_of, in_turns
from tests.projects import make_project, nexus, write_yaml

ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
NEXUS = [sys.executable, "-m", "nexus_ansible", "run", "chores.daily"]
BARE = [ANSIBLE, "-i", "inventories/lab", "playbooks/chores_daily.yml", "--forks", "25"]


def rows() -> list[Row]:
    """Measure all rows about runs."""
    return [*_many_hosts(), _one_task(), _fast_strategy()]


def project(root: Path, hosts: int, task: dict[str, Any], tasks: int, strategy: str = "linear") -> Path:
    """A project whose one workflow runs a task several times on the instances of one service."""
    service = {"capability": "web", "scaling": {"min_replicas": hosts, "max_replicas": hosts}}
    named = [{"name": f"Do {number}", **task} for number in range(tasks)]
    changes = {"orchestration": {"orchestration": {"services": {"web": service}}}}
    made = make_project(root, {"first": named}, changes)
    registry = made / "config" / "ssot" / "automation_registry.yaml"
    data = yaml.safe_load(registry.read_text())
    data["automation"]["workflows"]["chores"]["daily"]["steps"] = [{"name": "first", "hosts": "services"}]
    data["automation"]["policies"] = {"execution": {"strategy": strategy}}
    write_yaml(registry, data)
    compiled = nexus(made, "compile")
    assert compiled.returncode == 0, compiled.stderr
    return made


def _bare(made: Path) -> Cost:
    environment = {**os.environ, "ANSIBLE_ROLES_PATH": str(made / "roles"), "NEXUS_LEDGER": "false"}
    return cost_of(BARE, made, environment)


def _ours(made: Path) -> Cost:
    return cost_of(NEXUS, made, {**os.environ, "XDG_STATE_HOME": str(made / ".state")})


def _many_hosts() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        made = project(Path(name) / "project", 50, {"ansible.builtin.debug": {"msg": "hello"}}, 20)
        ours, bare = in_turns(lambda: _ours(made), lambda: _bare(made))
    work = "apply of 50 hosts x 20 debug tasks"
    return [
        _ratio(f"{work}, CPU", ours.cpu, bare.cpu, 1.05),
        _ratio(f"{work}, wall", ours.wall, bare.wall, 1.05),
    ]


def _one_task() -> Row:
    with tempfile.TemporaryDirectory() as name:
        made = project(Path(name) / "project", 1, {"ansible.builtin.debug": {"msg": "hello"}}, 1)
        ours, bare = in_turns(lambda: _ours(made), lambda: _bare(made), rounds=9)
    more = ours.wall - bare.wall
    return Row(
        "apply of 1 host x 1 task, wall",
        f"{ours.wall:.2f} s",
        f"{bare.wall:.2f} s bare",
        "<= 0.3 s more",
        more <= 0.3,
    )


def _fast_strategy() -> Row:
    task = {"ansible.builtin.command": {"argv": ["true"]}, "changed_when": False}
    with tempfile.TemporaryDirectory() as name:
        made = project(Path(name) / "project", 10, task, 20, strategy="fast")
        ours, bare = in_turns(lambda: _ours(made), lambda: _bare(made), rounds=3)
    return _ratio("20 command tasks x 10 hosts, accelerated strategy, CPU", ours.cpu, bare.cpu, 1 / 3)


def _ratio(work: str, ours: float, peer: float, target: float) -> Row:
    ratio = ours / peer
    return Row(
        work,
        f"{ours:.2f} s",
        f"{peer:.2f} s bare ansible-playbook ({ratio:.2f}x)",
        f"<= {target:.2f}x",
        ratio <= target,
    )
