# SPDX-License-Identifier: Apache-2.0
"""Projects out of five small registries as text, any of which a test replaces, and what is wrong with them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from nexus_ansible.compile.project import check_project
from nexus_ansible.project import SSOT, Project
from nexus_ansible.registries.problems import InvalidRegistriesError
from nexus_ansible.registries.schema import REGISTRIES, file_name

if TYPE_CHECKING:
    from pathlib import Path

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


def write_registries(root: Path, **texts: str | bytes) -> Project:
    """Write five registries: those given, and the small ones otherwise. Text may be indented as a test is."""
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
        assert str(error) == "\n".join(map(str, error.problems))
        return [str(problem) for problem in error.problems]
    return []


def deployment(variants: str, more: str = "") -> str:
    """An automation registry with these variants of the family `deployment`, and more keys beside `workflows`."""
    return f"automation:\n  workflows:\n    deployment:\n{_indented(variants, 6)}{_indented(more, 2)}"


def services(defined: str, more: str = "") -> str:
    """An orchestration registry with these services, and more keys beside them."""
    return f"orchestration:\n  services:\n{_indented(defined, 4)}{_indented(more, 2)}"


def monitoring(text: str) -> str:
    """A monitoring registry with these keys."""
    return f"monitoring:\n{_indented(text, 2)}"


def security(text: str) -> str:
    """A security registry with these keys."""
    return f"security:\n{_indented(text, 2)}"


def _indented(text: str, columns: int) -> str:
    return "".join(f"{' ' * columns}{line}\n" for line in textwrap.dedent(text).strip("\n").splitlines())
