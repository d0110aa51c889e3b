# SPDX-License-Identifier: Apache-2.0
"""What a run costs above bare ansible-playbook of the same playbook and inventory."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.measuring import REPOSITORY, Cost, Row, clean_environment, cost_of, in_turns
from tests.projects import make_project, nexus, write_yaml

ANSIBLE = str(Path(sys.executable).with_name("ansible-playbook"))
NEXUS = [sys.executable, "-m", "nexus_ansible", "run", "chores.daily"]
BARE = [ANSIBLE, "-i", "inventories/lab", "playbooks/chores_daily.yml", "--forks", "25"]
PEER = "bare `ansible-playbook`"
LIKE, THIRD = 1.05, 1 / 3
MORE_S = 0.3


def rows(rounds: int) -> list[Row]:
    """Measure all rows about runs."""
    return [*_many_hosts(rounds), _one_task(rounds), _fast_strategy(rounds)]


def project(root: Path, hosts: int, task: dict[str, Any], tasks: int, strategy: str = "linear") -> Path:
    """A project whose one workflow runs a task several times on the instances of one service.

    It has the `ansible.cfg` of every project, which bare ansible-playbook reads as well.
    """
    service = {"capability": "web", "scaling": {"min_replicas": hosts, "max_replicas": hosts}}
    named = [{"name": f"Do {number}", **task} for number in range(tasks)]
    changes = {"orchestration": {"orchestration": {"services": {"web": service}}}}
    made = make_project(root, {"first": named}, changes)
    shutil.copy(REPOSITORY / "nexus_ansible" / "scaffold" / "ansible.cfg", made)
    registry = made / "config" / "ssot" / "automation_registry.yaml"
    data = yaml.safe_load(registry.read_text())
    data["automation"]["workflows"]["chores"]["daily"]["steps"] = [{"name": "first", "hosts": "services"}]
    data["automation"]["policies"] = {"execution": {"strategy": strategy}}
    write_yaml(registry, data)
    compiled = nexus(made, "compile")
    assert compiled.returncode == 0, compiled.stderr
    return made


def _bare(made: Path) -> Cost:
    return cost_of(BARE, made, clean_environment(ANSIBLE_ROLES_PATH=str(made / "roles"), NEXUS_LEDGER="false"))


def _ours(made: Path) -> Cost:
    return cost_of(NEXUS, made, clean_environment(XDG_STATE_HOME=str(made / ".state")))


def _many_hosts(rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        made = project(Path(name) / "project", 50, {"ansible.builtin.debug": {"msg": "hello"}}, 20)
        ours, bare = in_turns(lambda: _ours(made), lambda: _bare(made), rounds=2 * rounds - 1)
    work = "`apply` of 50 hosts x 20 `debug` tasks"
    return [
        _ratio(f"{work}, CPU", ours.cpu, bare.cpu, LIKE),
        _ratio(f"{work}, wall", ours.wall, bare.wall, LIKE),
    ]


def _one_task(rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as name:
        made = project(Path(name) / "project", 1, {"ansible.builtin.debug": {"msg": "hello"}}, 1)
        ours, bare = in_turns(lambda: _ours(made), lambda: _bare(made), rounds=3 * rounds)
    more = ours.wall - bare.wall
    return Row(
        "`apply` of 1 host x 1 task, wall",
        f"{ours.wall:.2f} s",
        f"{PEER}: {bare.wall:.2f} s",
        f"{more:+.2f} s",
        f"<= {MORE_S:g} s more",
        more <= MORE_S,
    )


def _fast_strategy(rounds: int) -> Row:
    task = {"ansible.builtin.command": {"argv": ["true"]}, "changed_when": False}
    with tempfile.TemporaryDirectory() as name:
        made = project(Path(name) / "project", 10, task, 20, strategy="fast")
        ours, bare = in_turns(lambda: _ours(made), lambda: _bare(made), rounds=rounds)
    return _ratio("20 command tasks x 10 hosts with the accelerated strategy, CPU", ours.cpu, bare.cpu, THIRD)


def _ratio(work: str, ours: float, peer: float, limit: float) -> Row:
    ratio = ours / peer
    return Row(work, f"{ours:.2f} s", f"{PEER}: {peer:.2f} s", f"{ratio:.2f}x", f"<= {limit:.2f}x", ratio <= limit)
