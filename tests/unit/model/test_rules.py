# SPDX-License-Identifier: Apache-2.0
"""Rules that no schema can express: each broken one is told once, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects.registry_text import problems, read_cases, write_registries

CASES = Path(__file__).with_name("cases")


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "services.txt"))
def test_a_service_that_cannot_work_is_told_where_it_stands(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "environments.txt"))
def test_an_environment_that_cannot_work_is_told_where_it_stands(
    tmp_path: Path, texts: dict[str, str], told: str
) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "machines.txt"))
def test_machines_that_cannot_be_reached_are_told_where_they_stand(
    tmp_path: Path, texts: dict[str, str], told: str
) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "placement.txt"))
def test_a_service_without_a_place_is_told_where_it_stands(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "workflows.txt"))
def test_a_workflow_that_cannot_run_is_told_where_it_stands(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "monitoring.txt"))
def test_monitoring_that_cannot_work_is_told_where_it_stands(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "security.txt"))
def test_security_that_names_nobody_is_told_where_it_stands(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ("{steps: [{name: copy, role: bakup}]}", '5:21: step "copy" needs unknown role "bakup"'),
        ("{role: bakup, steps: [copy]}", '5:34: step "copy" needs unknown role "bakup"'),
    ],
)
def test_an_unknown_role_is_told_with_the_closest_one(tmp_path: Path, variant: str, told: str) -> None:
    automation = f"""
        automation:
          workflows:
            deployment:
              # a variant
              lab: {variant}
        """

    (problem,) = problems(write_registries(tmp_path, automation=automation))

    what, hint = problem.split("\n")
    assert what == f"config/ssot/automation_registry.yaml:{told}"
    assert hint.startswith("  Known: ")
    assert hint.endswith('Did you mean "backup"?')
