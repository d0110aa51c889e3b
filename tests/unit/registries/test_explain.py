# SPDX-License-Identifier: Apache-2.0
"""Where a value comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexus_ansible.errors import RefusedError
from nexus_ansible.registries.explain import Explanation, explain, parse_path
from nexus_ansible.registries.registry_set import read_registries
from tests.projects.registry_text import write_registries

if TYPE_CHECKING:
    from pathlib import Path

ORCHESTRATION = """
orchestration:
  services:
    api:
      scaling: {min_replicas: 3, max_replicas: 9}
      routes: [/a, /b]
  environments:
    lab:
      overrides:
        orchestration:
          services:
            api:
              scaling: {min_replicas: 1}
              routes: [/c]
    field: {}
"""


def _explain(root: Path, path: str, environment: str) -> Explanation:
    project = write_registries(root, orchestration=ORCHESTRATION)
    return explain(read_registries(project.ssot, shown="ssot"), parse_path(path), environment)


def _told(explanation: Explanation) -> list[tuple[str, str, str]]:
    return [(source.part, source.text, source.origin) for source in explanation.sources]


def test_an_override_wins_over_the_registry_and_the_default(tmp_path: Path) -> None:
    found = _explain(tmp_path, "orchestration.services.api.scaling.min_replicas", "lab")

    assert found.value == 1
    assert _told(found) == [
        ("wins", "1", "ssot/orchestration_registry.yaml:12:39"),
        ("lost", "3", "ssot/orchestration_registry.yaml:4:31"),
        ("lost", "1", "default of the schema"),
    ]


def test_another_environment_does_not_see_the_override(tmp_path: Path) -> None:
    found = _explain(tmp_path, "orchestration.services.api.scaling.min_replicas", "field")

    assert found.value == 3
    assert _told(found)[0] == ("wins", "3", "ssot/orchestration_registry.yaml:4:31")


def test_a_mapping_is_merged_from_all_who_give_its_keys(tmp_path: Path) -> None:
    found = _explain(tmp_path, "orchestration.services.api.scaling", "lab")

    assert found.value == {"min_replicas": 1, "max_replicas": 9}
    assert [source.part for source in found.sources] == ["merged", "merged"]


def test_a_value_that_only_the_schema_gives_is_its_default(tmp_path: Path) -> None:
    found = _explain(tmp_path, "orchestration.services.api.stop_timeout", "lab")

    assert _told(found) == [("wins", '"30s"', "default of the schema")]


def test_an_item_of_a_list_that_an_override_replaced_has_lost(tmp_path: Path) -> None:
    found = _explain(tmp_path, "orchestration.services.api.routes[1]", "lab")

    assert found.value is None
    assert _told(found) == [("lost", '"/b"', "ssot/orchestration_registry.yaml:5:20")]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (
            "orchestration.services.apo.port",
            (
                "ssot/orchestration_registry.yaml:3:5: "
                'unknown key "apo" in orchestration.services\n  Known: api. Did you mean "api"?'
            ),
        ),
        (
            "orchestratoin.services",
            (
                'unknown registry "orchestratoin"\n'
                "  Known: automation, monitoring, orchestration, pipelines, security. "
                'Did you mean "orchestration"?'
            ),
        ),
        ("orchestration.services.api.routes[7]", "orchestration.services.api.routes[7]: there is no such value"),
        (
            "orchestration..services",
            '"orchestration..services" is not a path\n  Write for example automation.workflows.backup.daily.steps[0].',
        ),
    ],
)
def test_a_path_to_nothing_is_told_with_what_is_known(tmp_path: Path, path: str, told: str) -> None:
    with pytest.raises(RefusedError) as raised:
        _explain(tmp_path, path, "lab")

    assert str(raised.value) == told
