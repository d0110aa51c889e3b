# SPDX-License-Identifier: Apache-2.0
"""Plain ansible-playbook lands in the same ledger, behind the same lock and the same permissions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nexus_ansible.ledger import payload, read
from tests.projects import make_project, nexus
from tests.servers.waiting import wait_until

ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
SAY: dict[str, list[dict[str, Any]]] = {"first": [{"name": "Say", "ansible.builtin.debug": {"msg": "hello"}}]}
CHECKED = "chores : Validating arguments against arg spec 'first' - first"
CONFIG = "[defaults]\ncallbacks_enabled = nexus.automation.ledger\nroles_path = roles\n"


def playbook(project: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_STATE_HOME": str(project.parent / "state")}
    command = [str(ANSIBLE), "-i", "inventories/lab", "playbooks/chores_daily.yml", *arguments]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, timeout=120, check=False, **options
    )


def compiled(root: Path, steps: dict[str, list[dict[str, Any]]], changes: dict[str, Any] | None = None) -> Path:
    project = make_project(root / "project", steps, changes)
    (project / "ansible.cfg").write_text(CONFIG)
    assert nexus(project, "compile").returncode == 0
    return project


def records(project: Path) -> list[dict[str, Any]]:
    return [entry.record for entry in read(project / ".nexus" / "ledger")]


def test_plain_ansible_playbook_is_recorded_like_a_run(tmp_path: Path) -> None:
    project = compiled(tmp_path, SAY)
    done = playbook(project)
    assert done.returncode == 0, done.stderr
    begun, *tasks, ended = records(project)
    assert (begun["via"], begun["workflow"], begun["env"]) == ("ansible-playbook", "chores.daily", "lab")
    assert [(task["step"], task["task"], task["outcome"]) for task in tasks] == [
        ("first", "First", "ok"),
        ("first", CHECKED, "ok"),
        ("first", "chores : Say", "ok"),
    ]
    assert (ended["kind"], ended["outcome"]) == ("run_ended", "ok")
    assert payload(project / ".nexus" / "ledger", 0)["actor"]  # type: ignore[index]
    assert nexus(project, "run", "chores.daily").returncode == 0
    assert nexus(project, "audit", "verify").returncode == 0


def test_a_failed_plain_run_is_recorded_as_failed(tmp_path: Path) -> None:
    project = compiled(tmp_path, {"first": [{"name": "Fail", "ansible.builtin.fail": {"msg": "no"}}]})
    assert playbook(project).returncode == 2
    assert [record.get("outcome") for record in records(project)] == [None, "ok", "ok", "failed", "failed"]


def test_a_killed_plain_run_is_closed_by_its_recorder(tmp_path: Path) -> None:
    hang = {
        "name": "Hang",
        "ansible.builtin.shell": {"cmd": "touch marker; exec sleep 600", "chdir": "{{ playbook_dir }}/.."},
    }
    project = compiled(tmp_path, {"first": [hang]})
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    command = [str(ANSIBLE), "-i", "inventories/lab", "playbooks/chores_daily.yml"]
    process = subprocess.Popen(command, cwd=project, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    wait_until((project / "marker").exists, "the task")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: records(project)[-1]["kind"] == "run_ended", "the closing record")
    assert [record.get("outcome") for record in records(project)] == [None, "ok", "ok", "unknown", "crashed"]


def test_a_refused_person_cannot_run_the_playbook_either(tmp_path: Path) -> None:
    rules = {"authorization": {"roles": {"watcher": {"permissions": ["read"]}}, "default_role": "watcher"}}
    project = compiled(tmp_path, SAY, {"security": {"security": rules}})
    done = playbook(project)
    assert done.returncode == 7
    assert "config/ssot/security_registry.yaml:5:9: root has the role" in " ".join((done.stderr + done.stdout).split())
    assert "hello" not in done.stdout
    assert playbook(project, "--check").returncode == 0


def test_a_playbook_outside_a_project_is_left_alone(tmp_path: Path) -> None:
    project = compiled(tmp_path, SAY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "hello.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n    - debug: {msg: hi}\n"
    )
    environment = {**os.environ, "ANSIBLE_CALLBACKS_ENABLED": "nexus.automation.ledger"}
    done = subprocess.run(
        [str(ANSIBLE), "hello.yml"],
        cwd=elsewhere,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0
    assert not (elsewhere / ".nexus").exists()
    assert not (project / ".nexus").exists()


@pytest.mark.parametrize("broken", ["recorder cannot write"])
def test_a_run_that_cannot_be_recorded_does_not_begin(tmp_path: Path, broken: str) -> None:
    project = compiled(tmp_path, SAY)
    (project / ".nexus").write_text("in the way")
    done = playbook(project)
    assert done.returncode == 7, broken
    assert "hello" not in done.stdout


def test_a_run_has_the_settings_that_plain_ansible_playbook_has(tmp_path: Path) -> None:
    names = ["HOST_KEY_CHECKING", "CACHE_PLUGIN", "INJECT_FACTS_AS_VARS", "DEFAULT_FORKS"]
    told = "{{ query('ansible.builtin.config', " + ", ".join(f"'{name}'" for name in names) + ") | to_json }}"
    tell = {"name": "Tell", "ansible.builtin.copy": {"content": told, "dest": "{{ playbook_dir }}/../told.json"}}
    project = compiled(tmp_path, {"first": [tell]})
    assert playbook(project, "--forks", "25").returncode == 0
    plain = (project / "told.json").read_text()
    assert '"memory"' in plain
    (project / "told.json").unlink()
    assert nexus(project, "run", "chores.daily").returncode == 0
    assert (project / "told.json").read_text() == plain
