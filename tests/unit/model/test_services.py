# SPDX-License-Identifier: Apache-2.0
"""Waves, batches, ports and defaults of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexus_ansible.compile.project import check_project
from nexus_ansible.model.services import cycles
from tests.projects.registry_text import write_registries

if TYPE_CHECKING:
    from pathlib import Path

    from nexus_ansible.model.platform import Environment


def _lab(root: Path, orchestration: str) -> Environment:
    return check_project(write_registries(root, orchestration=orchestration)).platform.environments["lab"]


def test_a_wave_holds_what_needs_only_earlier_waves(tmp_path: Path) -> None:
    lab = _lab(
        tmp_path,
        """
        orchestration:
          services:
            page: {dependencies: [api, front]}
            api: {dependencies: [db]}
            db: {health_check: {command: pg_isready}}
            front: {capability: proxy}
        """,
    )

    assert lab.waves == (("db", "front"), ("api",), ("page",))


def test_a_chain_of_five_thousand_services_is_no_problem(tmp_path: Path) -> None:
    lines = [f"    s{n}: {{dependencies: [{f's{n - 1}' if n else ''}]}}" for n in range(5_000)]

    lab = _lab(tmp_path, "\n".join(["orchestration:", "  services:", *lines]))

    assert len(lab.waves) == 5_000
    assert lab.waves[4_321] == ("s4321",)


def test_cycles_are_paths_that_begin_and_end_with_the_first_name() -> None:
    needs = {"d": ["c"], "c": ["b", "x"], "b": ["d"], "x": ["c"], "a": ["b"]}

    assert sorted(cycles(needs)) == [["b", "d", "c", "b"], ["c", "x", "c"]]


def test_a_dependency_that_the_toolkit_provides_need_not_be_defined(tmp_path: Path) -> None:
    lab = _lab(tmp_path, "orchestration: {services: {web: {dependencies: [nginx, redis]}}}")

    assert {name: service.capability for name, service in lab.services.items()} == {
        "nginx": "proxy",
        "redis": "redis",
        "web": "web",
    }


@pytest.mark.parametrize(
    ("name", "data", "capability", "kind"),
    [
        ("database", "{health_check: {command: pg_isready}}", "postgresql", "command"),
        ("proxy", "{}", "proxy", "tcp"),
        ("nginx", "{health_check: {endpoint: /up}}", "web", "http"),
        ("nginx", "{}", "proxy", "tcp"),
        ("redis", "{}", "redis", "redis"),
        ("store", "{capability: postgresql}", "postgresql", "postgresql"),
        ("api", "{health_check: {tcp: true}}", "web", "tcp"),
        ("api", "{}", "web", "http"),
    ],
)
def test_a_capability_and_its_check_are_told_from_the_name_and_the_health_check(
    tmp_path: Path, name: str, data: str, capability: str, kind: str
) -> None:
    service = _lab(tmp_path, f"orchestration: {{services: {{{name}: {data}}}}}").services[name]

    assert (service.capability, service.health.kind) == (capability, kind)


def test_instances_are_numbered_and_batched_as_a_rollout_reaches_them(tmp_path: Path) -> None:
    lab = _lab(
        tmp_path,
        """
        orchestration:
          services:
            api: {port: 8000, scaling: {min_replicas: 3, max_replicas: 4, max_unavailable: 2}}
        """,
    )

    assert [(instance.name, instance.port, instance.batch) for instance in lab.instances] == [
        ("api-1", 8000, 1),
        ("api-2", 8001, 1),
        ("api-3", 8002, 2),
    ]


def test_ports_stay_when_services_and_replicas_come_and_go(tmp_path: Path) -> None:
    def ports(orchestration: str) -> dict[str, int]:
        return {instance.name: instance.port for instance in _lab(tmp_path, orchestration).instances}

    few = ports("orchestration: {services: {api: {scaling: {min_replicas: 2, max_replicas: 5}}, web: {}}}")
    more = ports("orchestration: {services: {admin: {}, api: {scaling: {min_replicas: 4, max_replicas: 5}}, web: {}}}")

    assert more.items() >= few.items()
    assert len(set(more.values())) == 6


def test_chosen_ports_keep_clear_of_given_ones_and_of_coordinators(tmp_path: Path) -> None:
    lab = _lab(
        tmp_path,
        """
        orchestration:
          services: {a: {port: 7001}, b: {}, c: {}}
          environments: {lab: {port_range: 7000-7003}}
          coordination: {coordination_hub: {port: 7002}}
        """,
    )

    assert {instance.service: instance.port for instance in lab.instances}["a"] == 7001
    assert {instance.port for instance in lab.instances} == {7000, 7001, 7003}


def test_environments_choose_ports_of_their_own(tmp_path: Path) -> None:
    platform = check_project(
        write_registries(
            tmp_path, orchestration="orchestration: {services: {api: {}}, environments: {lab: {}, field: {}}}"
        )
    ).platform

    lab, field = (platform.environments[name].instances[0].port for name in ("lab", "field"))
    assert lab != field
