# SPDX-License-Identifier: Apache-2.0
"""Pictures of services in their waves and of steps in their stages."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from nexus_ansible.compile.graph import graph_of, mermaid, svg
from nexus_ansible.compile.project import check_project
from nexus_ansible.errors import RefusedError
from tests.projects.registry_text import write_registries

if TYPE_CHECKING:
    from pathlib import Path

    from nexus_ansible.model.platform import Platform

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """Three services in two waves, and a pipeline with a parallel stage."""
    project = write_registries(
        tmp_path,
        orchestration="""
        orchestration:
          services:
            web-site: {dependencies: [api, redis], scaling: {min_replicas: 2}}
            api: {}
        """,
        pipeline="""
        pipelines:
          ci:
            stages:
              - {name: check, steps: [linting, security_scan], parallel: true}
              - {name: build, steps: [build_backend]}
        """,
    )
    return check_project(project).platform


def test_services_stand_in_their_waves(platform: Platform) -> None:
    assert mermaid(graph_of(platform, "lab")) == (
        "flowchart LR\n"
        '  subgraph column0["wave 1"]\n'
        '    n_api["api x 1"]\n'
        '    n_redis["redis x 1"]\n'
        "  end\n"
        '  subgraph column1["wave 2"]\n'
        '    n_web_site["web-site x 2"]\n'
        "  end\n"
        "  n_api --> n_web_site\n"
        "  n_redis --> n_web_site\n"
    )


def test_steps_stand_in_their_stages(platform: Platform) -> None:
    graph = graph_of(platform, "pipeline.ci")

    assert [heading for heading, _ in graph.columns] == ["check", "build"]
    assert graph.arrows == (("linting", "build_backend"), ("security_scan", "build_backend"))


def test_without_a_name_the_first_environment_is_drawn(platform: Platform) -> None:
    assert graph_of(platform, None) == graph_of(platform, "lab")


@pytest.mark.parametrize("name", ["lab", "pipeline.ci", "deployment.lab", "platform.status"])
def test_an_svg_picture_has_a_box_for_each_node_and_an_arrow_for_each_dependency(platform: Platform, name: str) -> None:
    graph = graph_of(platform, name)

    picture = ET.fromstring(svg(graph))

    labels = [label for _, nodes in graph.columns for _, label in nodes]
    assert picture.tag == f"{SVG}svg"
    assert picture.findtext(f"{SVG}title") == name
    assert [text.text for text in picture.findall(f"{SVG}text")][len(graph.columns) :] == labels
    assert len(picture.findall(f"{SVG}rect")) == 1 + len(labels)
    assert len(picture.findall(f"{SVG}path")) == len(graph.arrows)


def test_an_environment_without_services_is_an_empty_picture(tmp_path: Path) -> None:
    graph = graph_of(check_project(write_registries(tmp_path)).platform, "lab")

    assert mermaid(graph) == "flowchart LR\n"
    assert ET.fromstring(svg(graph)).findall(f"{SVG}path") == []


def test_an_unknown_name_is_told_with_the_closest(platform: Platform) -> None:
    with pytest.raises(RefusedError) as raised:
        graph_of(platform, "pipeline.cd")

    assert str(raised.value) == (
        'unknown environment or workflow "pipeline.cd"\n'
        '  Known: deployment.lab, lab, pipeline.ci, platform.down, platform.status. Did you mean "pipeline.ci"?'
    )
