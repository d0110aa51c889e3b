# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible explain` and `nexus-ansible graph`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.projects.registry_text import write_registries
from tests.unit.cli.command_line import run

if TYPE_CHECKING:
    from pathlib import Path

ORCHESTRATION = """
orchestration:
  services:
    api: {dependencies: [redis], scaling: {min_replicas: 3}}
  environments:
    field: {}
    lab:
      overrides: {orchestration: {services: {api: {scaling: {min_replicas: 1}}}}}
"""
PATH = "orchestration.services.api.scaling.min_replicas"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One service in two environments, one of which overrides it."""
    return write_registries(tmp_path, orchestration=ORCHESTRATION).root


def test_explain_shows_the_winner_and_the_losers_with_their_places(project: Path) -> None:
    ended = run(project, "explain", PATH, "--env", "lab")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (
        f"{PATH} in lab: 1\n"
        "      value  from\n"
        "wins  1      config/ssot/orchestration_registry.yaml:7:76\n"
        "lost  3      config/ssot/orchestration_registry.yaml:3:58\n"
        "lost  1      default of the schema\n"
    )


def test_explain_without_an_environment_shows_every_one(project: Path) -> None:
    told = json.loads(run(project, "explain", PATH, "--json").stdout)

    assert told["path"] == PATH
    assert {name: found["value"] for name, found in told["environments"].items()} == {"field": 3, "lab": 1}
    assert told["environments"]["field"]["sources"][0] == {
        "part": "wins",
        "value": 3,
        "origin": "config/ssot/orchestration_registry.yaml:3:58",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((PATH, "--env", "lap"), 7, 'unknown environment "lap"\n  Known: field, lab. Did you mean "lab"?\n'),
        (
            ("orchestration.services.api.scalling",),
            7,
            (
                'config/ssot/orchestration_registry.yaml:3:10: unknown key "scalling" in orchestration.services.api\n'
                '  Known: dependencies, scaling. Did you mean "scaling"?\n'
            ),
        ),
    ],
)
def test_explain_says_what_is_known_where_a_name_is_not(
    project: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended = run(project, "explain", *arguments)

    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", told)


def test_graph_prints_mermaid_and_json(project: Path) -> None:
    drawn = run(project, "graph", "field")
    told = json.loads(run(project, "graph", "field", "--json").stdout)

    assert drawn.stdout.startswith('flowchart LR\n  subgraph column0["wave 1"]\n    n_redis["redis x 1"]\n')
    assert told == {
        "title": "field",
        "columns": [["wave 1", [["redis", "redis x 1"]]], ["wave 2", [["api", "api x 3"]]]],
        "arrows": [["redis", "api"]],
    }


def test_graph_writes_an_svg_picture(project: Path) -> None:
    ended = run(project, "graph", "deployment.lab", "--format", "svg", "--output", "picture.svg")

    assert (ended.returncode, ended.stdout) == (0, "")
    assert ET.parse(project / "picture.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_graph_says_when_the_picture_cannot_be_written(project: Path) -> None:
    ended = run(project, "graph", "--output", "nowhere/picture.svg")

    assert (ended.returncode, ended.stderr) == (
        7,
        "nowhere/picture.svg: cannot be written: No such file or directory.\n  Choose another --output.\n",
    )


def test_graph_says_what_can_be_drawn(project: Path) -> None:
    ended = run(project, "graph", "deployment.lap")

    assert ended.returncode == 7
    assert ended.stderr.endswith('Did you mean "deployment.lab"?\n')
