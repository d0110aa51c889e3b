# SPDX-License-Identifier: Apache-2.0
"""The records add up to Ansible's own recap in every way a task can end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexus_ansible.ledger import read
from tests.projects import make_project, nexus, write_yaml

OTHER: list[dict[str, Any]] = [
    {"name": "Say", "ansible.builtin.debug": {"msg": "hello"}},
    {"name": "Change", "ansible.builtin.command": "true", "notify": "Tell"},
]
EVERYTHING: list[dict[str, Any]] = [
    {"name": "Include in a loop", "ansible.builtin.include_tasks": "other.yml", "loop": [1, 2, 3]},
    {"name": "Include nothing", "ansible.builtin.include_tasks": "other.yml", "when": False},
    {"name": "Skip a meta task", "ansible.builtin.meta": "end_host", "when": False},
    {"name": "Skip", "ansible.builtin.debug": {"msg": "x"}, "when": False},
    {"name": "Ignore", "ansible.builtin.fail": {"msg": "x"}, "ignore_errors": True},
    {"name": "Loop", "ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": [1, 2]},
    {
        "name": "Rescue an include",
        "block": [{"name": "Include what is not there", "ansible.builtin.include_tasks": "nowhere.yml"}],
        "rescue": [{"name": "Say", "ansible.builtin.debug": {"msg": "rescued"}}],
    },
    {
        "name": "Rescue a task",
        "block": [{"name": "Fail", "ansible.builtin.fail": {"msg": "x"}}],
        "rescue": [{"name": "Say", "ansible.builtin.debug": {"msg": "rescued"}}],
    },
    {"name": "Include variables", "ansible.builtin.include_vars": {"file": "{{ role_path }}/vars.yml"}},
    {"name": "Import", "ansible.builtin.import_tasks": "other.yml"},
]


def test_includes_loops_rescues_handlers_and_skips_add_up(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", {"first": EVERYTHING})
    role = project / "roles" / "chores"
    write_yaml(role / "tasks" / "other.yml", OTHER)
    write_yaml(role / "handlers" / "main.yml", [{"name": "Tell", "ansible.builtin.debug": {"msg": "changed"}}])
    write_yaml(role / "vars.yml", {"chores_more": 1})
    done = nexus(project, "run", "chores.daily")
    assert done.returncode == 0, done.stderr
    *_, ended = [entry.record for entry in read(project / ".nexus" / "ledger")]
    assert ended["outcome"] == "ok"
    assert "discrepancies" not in ended
    assert (ended["tasks_failed"], ended["tasks_ignored"], ended["tasks_skipped"]) == (2, 1, 2)
