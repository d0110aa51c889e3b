# SPDX-License-Identifier: Apache-2.0
"""Roles that steps can name, and what is said about meta files that make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexus_ansible.compile.catalog import CatalogError, StepPlay, load_catalog
from tests.projects.registry_text import write_registries

if TYPE_CHECKING:
    from pathlib import Path


def test_the_collection_s_roles_come_before_those_of_the_project(tmp_path: Path) -> None:
    specs = tmp_path / "roles" / "deployment" / "meta" / "argument_specs.yml"
    specs.parent.mkdir(parents=True)
    specs.write_text("argument_specs: {own: {}}\n", encoding="utf-8")

    catalog = load_catalog(write_registries(tmp_path).root)

    found = catalog.find("deployment")
    assert found is not None
    assert found.name == "nexus.automation.deployment"
    assert catalog.roles["deployment"].entry_points == {"own": {}}
    assert catalog.find("nexus.automation.deployment") is found
    assert catalog.find("nobody") is None


def test_a_step_runs_where_meta_steps_says_and_on_the_control_node_otherwise(tmp_path: Path) -> None:
    root = write_registries(tmp_path).root
    steps = root / "roles" / "chores" / "meta" / "steps.yml"
    steps.write_text("sweep: {plays: [{hosts: machines, tasks_from: wash}, {hosts: rollout}]}\n", encoding="utf-8")

    role = load_catalog(root).find("chores")

    assert role is not None
    assert role.placement("sweep").plays == (StepPlay("machines", "wash"), StepPlay("rollout", "sweep"))
    assert role.placement("wash").plays == (StepPlay("control", "wash"),)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("argument_specs.yml", "[1]", ' [1] is not of type "object"'),
        ("argument_specs.yml", "argument_specs: []", ' argument_specs: [] is not of type "object"'),
        ("argument_specs.yml", "argument_specs: {a: {options: [x]}}", " argument_specs.a.options: "),
        ("argument_specs.yml", "a: {", " not valid YAML: "),
        ("steps.yml", "sweep: {}", ' sweep: "plays" is a required property'),
        ("steps.yml", "sweep: {plays: [{host: all}]}", " sweep.plays[0]: "),
        ("steps.yml", "sweep: {plays: []}", " sweep.plays: "),
        ("steps.yml", "swep: {plays: [{hosts: all}]}", " swep names swep, which argument_specs.yml does not have."),
        ("steps.yml", "wash: {plays: [{hosts: all}], on_failure: dry}", " wash names dry, which "),
    ],
)
def test_a_meta_file_that_makes_no_sense_is_told_with_its_place(
    tmp_path: Path, file: str, text: str, told: str
) -> None:
    root = write_registries(tmp_path).root
    path = root / "roles" / "chores" / "meta" / file
    path.write_text(text, encoding="utf-8")

    with pytest.raises(CatalogError) as raised:
        load_catalog(root)

    assert str(raised.value).startswith(f"{path}:{told}")
    assert raised.value.exit_code == 4
