# SPDX-License-Identifier: Apache-2.0
"""Projects out of five small registries as text, any of which a test replaces, and what is wrong with them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.compile.project import check_project
from nexus_ansible.project import SSOT, Project
from nexus_ansible.registries.problems import InvalidRegistriesError
from nexus_ansible.registries.schema import REGISTRIES, file_name

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.mark import ParameterSet

SMALL = {
    "automation": """
        automation:
          workflows:
            deployment:
              lab: {steps: [validate, deploy]}
        """,
    "pipeline": "pipelines: {}",
    "orchestration": "orchestration: {services: {}}",
    "monitoring": "monitoring: {}",
    "security": "security: {}",
}

CHORES = """
argument_specs:
  sweep:
    short_description: A step with an argument of each type
    options:
      chores_times: {type: int, default: 1}
      chores_share: {type: float}
      chores_rooms: {type: list, elements: str}
      chores_quiet: {type: bool}
      chores_tool: {type: str, choices: [broom, mop]}
      chores_notes: {type: dict}
  wash:
    short_description: A step that cannot do without its argument
    options:
      chores_dishes: {type: str, required: true, description: What is to be washed.}
"""


def write_registries(root: Path, **texts: str | bytes) -> Project:
    """Write five registries, those given and the small ones otherwise, and the role `chores`.

    Text may be indented as a test is.
    """
    specs = root / "roles" / "chores" / "meta" / "argument_specs.yml"
    specs.parent.mkdir(parents=True, exist_ok=True)
    specs.write_text(CHORES, encoding="utf-8")
    for registry in REGISTRIES:
        path = root / SSOT / file_name(registry)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = texts.get(registry, SMALL[registry])
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).lstrip("\n").encode())
    return Project(root)


def problems(project: Project) -> list[str]:
    """What is wrong with a project, as the command line tells it: one text for each problem, in their order."""
    try:
        check_project(project)
    except InvalidRegistriesError as error:
        return [str(problem) for problem in error.problems]
    return []


def read_cases(path: Path) -> list[ParameterSet]:
    """Cases out of a text file: `=== NAME`, then `>>> REGISTRY` with its text, any number of them, then `>>> told`.

    What is told stands as people see it. Gives (texts by registry, text told) by name.
    """
    return [_case(*case.split("\n", 1)) for case in path.read_text("utf-8").split("=== ")[1:]]


def _case(name: str, body: str) -> ParameterSet:
    sections = dict(section.split("\n", 1) for section in body.split(">>> ")[1:])
    told = sections.pop("told").strip("\n")
    return pytest.param(sections, told, id=name)
