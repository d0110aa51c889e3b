# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible validate`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.projects.registry_text import write_registries
from tests.unit.cli.command_line import run

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = {
    "orchestration": "orchestration: {services: {front: {dependencies: [bak]}, back: {}}}",
    "automation": "automation: {workflows: {deployment: {lab: {steps: [validate]}}}, polices: {}}",
}


def test_valid_registries_are_counted(tmp_path: Path) -> None:
    write_registries(tmp_path)

    ended = run(tmp_path, "validate")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "valid: 0 services, 1 environments, 3 workflows\n", "")


def test_json_says_what_is_valid(tmp_path: Path) -> None:
    write_registries(tmp_path)

    ended = run(tmp_path, "validate", "--json")

    assert json.loads(ended.stdout) == {
        "valid": True,
        "problems": [],
        "services": 0,
        "environments": 1,
        "workflows": 3,
    }


def test_problems_go_to_standard_error_and_end_with_4(tmp_path: Path) -> None:
    write_registries(tmp_path, orchestration=BROKEN["orchestration"])

    ended = run(tmp_path, "validate")

    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == (
        'config/ssot/orchestration_registry.yaml:1:51: service "front" depends on unknown service "bak"\n'
        '  Known: back, caddy, front, nginx, postgresql, redis. Did you mean "back"?\n'
    )


def test_json_lists_problems_with_their_positions(tmp_path: Path) -> None:
    write_registries(tmp_path, automation=BROKEN["automation"])

    ended = run(tmp_path, "validate", "--json")

    assert (ended.returncode, ended.stderr) == (4, "")
    assert json.loads(ended.stdout) == {
        "valid": False,
        "problems": [
            {
                "file": "config/ssot/automation_registry.yaml",
                "line": 1,
                "column": 67,
                "what": 'unknown key "polices"',
                "hint": 'Known: policies, project, workflows. Did you mean "policies"?',
            }
        ],
    }


def test_nothing_is_written_whatever_is_found(tmp_path: Path) -> None:
    write_registries(tmp_path, **BROKEN)
    before = sorted(tmp_path.rglob("*"))

    run(tmp_path, "validate")
    run(tmp_path, "compile")

    assert sorted(tmp_path.rglob("*")) == before


def test_a_project_is_found_from_any_directory_below_it(tmp_path: Path) -> None:
    write_registries(tmp_path / "shop")
    below = tmp_path / "shop" / "roles" / "chores"

    assert run(below, "validate").returncode == 0
    assert run(tmp_path, "validate", "--project", "shop").returncode == 0


def test_without_a_project_the_message_says_how_to_make_one(tmp_path: Path) -> None:
    ended = run(tmp_path, "validate")

    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == (
        f"{tmp_path}: no config/ssot here or above.\n"
        "  Change to a project, name one with --project, or make one: nexus-ansible init DIR\n"
    )
