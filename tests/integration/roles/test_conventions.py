# SPDX-License-Identifier: Apache-2.0
"""What every role keeps to: defaults as documented, entry points that exist, steps that never pass without working."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.playbook import REPOSITORY, run_tasks

ROLES = sorted(path.parents[1] for path in (REPOSITORY / "roles").glob("*/meta/argument_specs.yml"))
NOT_BUILT = sorted(path for path in (REPOSITORY / "roles").glob("*/tasks/*.yml") if path.is_symlink())


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def entry_points(role: Path) -> dict[str, Any]:
    specs: dict[str, Any] = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    return specs


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_are_the_documented_ones(role: Path) -> None:
    documented = {
        name: option["default"]
        for spec in entry_points(role).values()
        for name, option in spec["options"].items()
        if "default" in option and name.startswith(f"{role.name}_")
    }
    assert load(role / "defaults" / "main.yml") == documented


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_an_option_is_documented_alike_in_every_entry_point(role: Path) -> None:
    seen: dict[str, Any] = {}
    for spec in entry_points(role).values():
        for name, option in spec["options"].items():
            assert seen.setdefault(name, option) == option


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_entry_point_and_every_placed_step_has_tasks(role: Path) -> None:
    placed = {
        play.get("tasks_from", step)
        for step, entry in load(role / "meta" / "steps.yml").items()
        for play in entry["plays"]
    }
    for name in entry_points(role).keys() | placed:
        assert load(role / "tasks" / f"{name}.yml"), name
    assert placed <= entry_points(role).keys()


@pytest.mark.parametrize("step", NOT_BUILT, ids=lambda path: f"{path.parents[1].name}.{path.stem}")
def test_a_step_that_is_not_built_yet_has_no_tasks_of_its_own(step: Path) -> None:
    assert step.readlink() == Path("not_built.yml")


@pytest.mark.parametrize("role", sorted({path.parents[1].name for path in NOT_BUILT}))
def test_a_step_that_is_not_built_yet_fails_and_names_itself(role: str, tmp_path: Path) -> None:
    step = next(path.stem for path in NOT_BUILT if path.parents[1].name == role)
    include = {"name": f"nexus.automation.{role}", "tasks_from": step}
    variables = {"nexus_step": step, "nexus_workflow": f"{role}.example"}
    run = run_tasks(tmp_path, [{"name": "Step", "ansible.builtin.include_role": include}], variables=variables)
    assert run.returncode == 2
    assert f"The step {step} of {role}.example is not built yet" in run.output
