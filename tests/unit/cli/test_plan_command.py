# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible plan` tells which machine each instance is to be on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.projects.registry_text import write_registries
from tests.unit.cli.command_line import run

TWO_MACHINES = """
    orchestration:
      services: {api: {scaling: {min_replicas: 2}, placement: {machines: [m1, m2], spread: rack}}}
      environments:
        lab:
          runner: ssh
          machines:
            m1: {address: 192.0.2.1, labels: {rack: a}}
            m2: {address: 192.0.2.2, labels: {rack: b}}
            m3: {address: 192.0.2.3}
    """


def test_a_plan_shows_the_instances_of_each_machine(tmp_path: Path) -> None:
    write_registries(tmp_path, orchestration=TWO_MACHINES)

    told = run(tmp_path, "plan", "lab", "--static")
    as_json = run(tmp_path, "plan", "lab", "--static", "--json")

    machines = json.loads(as_json.stdout)["machines"]
    assert machines["m3"] == []
    assert sorted(machines["m1"] + machines["m2"]) == ["api-1", "api-2"]
    assert len(machines["m1"]) == 1
    assert told.stdout.splitlines()[2:] == [
        "  wave 1: api x2",
        f"  m1: {machines['m1'][0]}",
        f"  m2: {machines['m2'][0]}",
        "  m3: nothing",
    ]


def test_a_plan_for_one_machine_does_not_name_it(tmp_path: Path) -> None:
    write_registries(tmp_path, orchestration="orchestration: {services: {api: {}}}")

    told = run(tmp_path, "plan", "lab", "--static")

    assert told.stdout.splitlines()[2:] == ["  wave 1: api x1"]
