# SPDX-License-Identifier: Apache-2.0
"""Machines out of the registry: what groups give them, how ssh reaches them, and which instances they get."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from nexus_ansible.compile.project import check_project
from nexus_ansible.model.machines import Bastion, Machine, Ssh
from nexus_ansible.model.platform import Environment
from tests.projects.registry_text import write_registries

RACK = """
    orchestration:
      services:
        api: {scaling: {min_replicas: 4}, placement: {spread: rack}}
      environments:
        lab:
          runner: ssh
          ssh: {port: 2222, user: deploy, connect_timeout: 500ms, become: false}
          bastions: {gate: {address: 192.0.2.9, port: 22022}}
          machine_groups:
            old: {labels: {rack: a, disk: slow}, ssh: {user: root, become: true, bastion: gate}}
          machines:
            m1: {address: 192.0.2.1, group: old, labels: {disk: fast}, ssh: {host: 10.0.0.1, user: admin}}
            m2: {address: 192.0.2.2, group: old, capacity: {cpu: 500m, memory: 1Ki, instances: 3}}
            m3: {address: 192.0.2.3, labels: {rack: b}}
    """


def _lab(root: Path, orchestration: str) -> Environment:
    return check_project(write_registries(root, orchestration=orchestration)).platform.environments["lab"]


def test_a_machine_differs_from_its_group_which_differs_from_the_environment(tmp_path: Path) -> None:
    lab = _lab(tmp_path, RACK)

    assert list(lab.machines.values()) == [
        Machine(
            "m1",
            "192.0.2.1",
            {"rack": "a", "disk": "fast"},
            {},
            "old",
            Ssh("10.0.0.1", 2222, "admin", None, True, "/usr/bin/python3", "gate", (), "strict", 0.5),
        ),
        Machine(
            "m2",
            "192.0.2.2",
            {"rack": "a", "disk": "slow"},
            {"cpu": 0.5, "memory": 1024, "instances": 3},
            "old",
            Ssh("192.0.2.2", 2222, "root", None, True, "/usr/bin/python3", "gate", (), "strict", 0.5),
        ),
        Machine(
            "m3",
            "192.0.2.3",
            {"rack": "b"},
            {},
            None,
            Ssh("192.0.2.3", 2222, "deploy", None, False, "/usr/bin/python3", None, (), "strict", 0.5),
        ),
    ]
    assert lab.bastions == {"gate": Bastion("gate", "192.0.2.9", 22022, None, None, (), None)}


def test_every_instance_is_on_a_machine(tmp_path: Path) -> None:
    lab = _lab(tmp_path, RACK)

    racks = Counter(lab.machines[instance.machine].labels["rack"] for instance in lab.instances)
    assert racks == {"a": 2, "b": 2}


def test_an_environment_without_machines_has_one_whatever_its_services_ask_for(tmp_path: Path) -> None:
    lab = _lab(
        tmp_path,
        """
        orchestration:
          services: {api: {scaling: {min_replicas: 3}, placement: {max_per_machine: 1, labels: {disk: fast}}}}
          environments: {lab: {address: 127.0.0.2}}
        """,
    )

    assert {name: machine.address for name, machine in lab.machines.items()} == {"localhost": "127.0.0.2"}
    assert [instance.machine for instance in lab.instances] == ["localhost"] * 3
