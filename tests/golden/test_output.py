# SPDX-License-Identifier: Apache-2.0
"""Compiled playbooks are good Ansible: linters and Ansible itself have nothing to say, and values arrive as written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent
REPOSITORY = GOLDEN.parents[1]
CASES = ("every_feature", "user_document")

pytestmark = pytest.mark.xdist_group("golden")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden cases side by side, with the collection beside their playbooks as in a checkout."""
    root = tmp_path_factory.mktemp("golden")
    for case in CASES:
        shutil.copytree(GOLDEN / case, root / case)
        (root / case / "ansible_collections").symlink_to(REPOSITORY / "ansible_collections")
        (root / case / "ansible.cfg").write_text("[defaults]\ncollections_path = .\nroles_path = roles\n", "utf-8")
        shutil.copy(REPOSITORY / ".yamllint", root / case)
    return root


def _run(directory: Path, *command: str, **secrets: str) -> subprocess.CompletedProcess[str]:
    tools = Path(sys.executable).parent
    environment = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(directory.parent),
        "LANG": "C.UTF-8",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        **secrets,
    }
    return subprocess.run(
        [str(tools / command[0]), *command[1:]],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def _playbooks(project: Path) -> list[str]:
    return sorted(str(path.relative_to(project)) for path in (project / "playbooks").glob("*.yml"))


@pytest.mark.parametrize("case", CASES)
def test_yamllint_finds_nothing_in_compiled_playbooks(projects: Path, case: str) -> None:
    linted = _run(projects / case, "yamllint", "--strict", *_playbooks(projects / case))

    assert (linted.returncode, linted.stdout, linted.stderr) == (0, "", "")


@pytest.mark.parametrize("case", CASES)
def test_ansible_accepts_the_syntax_of_compiled_playbooks(projects: Path, case: str) -> None:
    environment = {"every_feature": "lab", "user_document": "production"}[case]

    checked = _run(
        projects / case,
        "ansible-playbook",
        "--syntax-check",
        "-i",
        f"inventories/{environment}",
        *_playbooks(projects / case),
    )

    assert checked.returncode == 0, checked.stderr
    assert checked.stdout.count("playbook: ") == len(_playbooks(projects / case))
    assert [line for line in checked.stderr.splitlines() if "ignoring: stage_" not in line] == []


@pytest.mark.parametrize("case", CASES)
def test_ansible_lint_finds_nothing_at_its_strictest(projects: Path, case: str) -> None:
    linted = _run(
        projects / case,
        "ansible-lint",
        "--profile",
        "production",
        "--offline",
        "--nocolor",
        "--strict",
        *_playbooks(projects / case),
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "Passed: 0 failure(s), 0 warning(s)" in linted.stderr


def test_values_of_registries_reach_a_role_as_they_were_written(projects: Path) -> None:
    ran = _run(
        projects / "every_feature",
        "ansible-playbook",
        "-i",
        "inventories/lab",
        "--tags",
        "sweep_twice,say",
        "playbooks/chores_in_detail.yml",
        ANSIBLE_CALLBACK_RESULT_FORMAT="json",
        ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default",
        PRICE="7",
        TOKEN="sesame",
        ANSIBLE_VERBOSITY="1",
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    shown, _ = json.JSONDecoder().raw_decode(ran.stdout, ran.stdout.index('"msg": {') + len('"msg": '))
    assert shown == {
        "step": "sweep_twice",
        "times": 2,
        "rooms": ["hall", "{{ not a template }}", "{% nor a block %}"],
        "notes": {"who": "nobody", "price": "{7}", "plain": "{", "yes": True, "nothing": None},
        "tool": "broom",
    }
    assert "{{ literal }} Bearer sesame" in ran.stdout


def test_steps_of_a_parallel_stage_run_on_hosts_of_their_own(projects: Path) -> None:
    ran = _run(
        projects / "every_feature", "ansible-playbook", "-i", "inventories/lab", "playbooks/pipeline_together.yml"
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {line.split()[0] for line in ran.stdout.split("PLAY RECAP")[1].splitlines()[1:] if line} == {
        "air",
        "localhost",
        "mop",
        "sweep",
    }
    assert '"tool": "mop"' in ran.stdout
