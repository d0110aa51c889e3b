# SPDX-License-Identifier: Apache-2.0
"""A secret that a run uses in every way there is stands in no file and no output afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nexus_ansible.ledger import payload, read
from tests.projects import make_project, nexus

CANARY = 'canary-7f3a/"quoted" & späte$'
LOOKUP = "{{ lookup('nexus.automation.secret', 'CANARY') }}"
STEPS: dict[str, list[dict[str, Any]]] = {
    "first": [
        {"name": "As a variable", "ansible.builtin.debug": {"msg": "{{ value }}"}, "vars": {"value": LOOKUP}},
        {
            "name": "On a command line",
            "ansible.builtin.command": {"argv": ["echo", LOOKUP]},
            "changed_when": False,
        },
        {
            "name": "In the environment",
            "ansible.builtin.shell": {"cmd": "printenv TOKEN; printenv TOKEN >&2; exit 3"},
            "environment": {"TOKEN": LOOKUP},
            "changed_when": False,
            "ignore_errors": True,
        },
        {"name": "In a fact", "ansible.builtin.set_fact": {"chores_url": f"https://x:{LOOKUP}@example.org/"}},
        {"name": "In a name {{ chores_url }}", "ansible.builtin.debug": {"var": "chores_url"}},
        {"name": "As an argument", "ansible.builtin.debug": {"msg": "{{ chores_given }}"}},
        {"name": "In the message of a failure", "ansible.builtin.fail": {"msg": f"cannot log in with {LOOKUP}"}},
    ]
}


def spellings(secret: str) -> set[bytes]:
    """The secret as files and JSON spell it."""
    once = json.dumps(secret)[1:-1]
    return {text.encode() for text in (secret, once, json.dumps(secret, ensure_ascii=False)[1:-1], "canary-7f3a")}


def files_that_hold(root: Path, secret: str) -> list[str]:
    wanted = spellings(secret)
    files = (path for path in root.rglob("*") if path.is_file())
    return [str(path.relative_to(root)) for path in files if any(text in path.read_bytes() for text in wanted)]


def secret_project(root: Path) -> Path:
    changes = {"security": {"security": {"secrets": {"CANARY": {"description": "opens the cage"}}}}}
    project = make_project(root / "project", STEPS, changes)
    registry = project / "config" / "ssot" / "automation_registry.yaml"
    registry.write_text(
        registry.read_text().replace("- first", "- {name: first, with: {chores_given: 'got ${CANARY}'}}")
    )
    specs = project / "roles" / "chores" / "meta" / "argument_specs.yml"
    specs.write_text(specs.read_text().replace("options: {}", "options: {chores_given: {type: str, description: x}}"))
    return project


def test_a_secret_used_everywhere_is_found_nowhere(tmp_path: Path) -> None:
    project = secret_project(tmp_path)
    done = nexus(project, "run", "chores.daily", "-vvv", "--reason", f"because of {CANARY}", env={"CANARY": CANARY})
    assert done.returncode == 6, done.stderr
    assert "cannot log in with ***" in done.stderr
    assert "canary-7f3a" not in done.stdout + done.stderr
    assert files_that_hold(tmp_path, CANARY) == []
    ledger = project / ".nexus" / "ledger"
    told = json.dumps([[entry.record, payload(ledger, entry.index)] for entry in read(ledger)])
    assert "canary-7f3a" not in told
    assert told.count("***") >= 8


def test_a_missing_secret_stops_a_deployment_before_anything_is_touched(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {"first": [{"name": "Say", "ansible.builtin.debug": {"msg": "x"}}]})
    registry = project / "config" / "ssot" / "automation_registry.yaml"
    registry.write_text(
        "automation:\n  workflows:\n    deployment:\n      lab:\n        role: chores\n        steps:\n"
        "          - name: first\n            with: {chores_given: '${NOT_GIVEN}'}\n"
    )
    specs = project / "roles" / "chores" / "meta" / "argument_specs.yml"
    specs.write_text(specs.read_text().replace("options: {}", "options: {chores_given: {type: str, description: x}}"))
    done = nexus(project, "apply", "lab", "--yes")
    assert done.returncode == 7, done.stderr
    assert 'config/ssot/automation_registry.yaml:8:34: the secret "NOT_GIVEN" is not given.' in done.stderr
    assert not (project / ".nexus" / "ledger").exists()
