# SPDX-License-Identifier: Apache-2.0
"""The registries of this repository and what is compiled from them."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import pytest

from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.project import SSOT, Project

REPOSITORY = Path(__file__).resolve().parents[3]


def _compiled(ssot: Path, root: Path) -> dict[str, str]:
    shutil.copytree(ssot, root / SSOT)
    return compile_project(check_project(Project(root))).files


def _difference(old: str, new: str) -> tuple[list[str], list[str]]:
    """Lines that are gone, and lines that are new."""
    lines = list(difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm=""))[2:]
    return [line[1:] for line in lines if line[0] == "-"], [line[1:] for line in lines if line[0] == "+"]


@pytest.mark.parametrize("directory", ["playbooks", "inventories"])
def test_the_committed_files_are_those_that_the_registries_give(tmp_path: Path, directory: str) -> None:
    compiled = _compiled(REPOSITORY / SSOT, tmp_path)

    on_disk = {
        path.relative_to(REPOSITORY).as_posix(): path.read_text("utf-8")
        for path in (REPOSITORY / directory).rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    assert on_disk == {path: text for path, text in compiled.items() if path.startswith(f"{directory}/")}


def test_one_more_replica_of_the_backend_changes_exactly_the_lines_it_should(tmp_path: Path) -> None:
    before = _compiled(REPOSITORY / SSOT, tmp_path / "before")
    changed = tmp_path / "ssot"
    shutil.copytree(REPOSITORY / SSOT, changed)
    registry = changed / "orchestration_registry.yaml"
    text = registry.read_text("utf-8")
    registry.write_text(text.replace("        min_replicas: 3\n", "        min_replicas: 4\n"), encoding="utf-8")

    after = _compiled(changed, tmp_path / "after")

    differences = {path: _difference(before[path], after[path]) for path in after if before[path] != after[path]}
    assert differences.pop("inventories/production/hosts") == (
        ['        "service_replicas": 3,'],
        [
            '        "service_replicas": 4,',
            '        ,"backend-4": {"service_index":4,"service_port":22383}',
            '    "batch_4": {"hosts": {',
            '       "backend-4": {}',
            "    }},",
        ],
    )
    assert {path: (gone, _plays(came)) for path, (gone, came) in differences.items()} == {
        "playbooks/deployment_production.yml": (
            [],
            [
                "Deployment production | deploy | wave 2, batch 4",
                "Deployment production | verify | wave 2, batch 4 | undo",
            ],
        ),
        "playbooks/pipeline_cd_production.yml": (
            [],
            ["Pipeline cd production | deploy | deploy_services | wave 2, batch 4"],
        ),
    }


def _plays(lines: list[str]) -> list[str]:
    return [line.removeprefix("- name: ") for line in lines if line.startswith("- name: ")]
