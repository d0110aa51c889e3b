# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nexus_ansible.compile.project import Checked, check_project
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import Project
from nexus_ansible.run.gate import Permit, Person, action_of, admit, covers
from tests.projects import make_project

ROLES = {
    "admin": {"permissions": ["*"], "restrictions": ["production_deploy"]},
    "developer": {"permissions": ["read", "write", "deploy_staging"], "restrictions": ["production_deploy"]},
    "operator": {"permissions": ["read", "monitor", "restart_services"], "restrictions": ["deploy"]},
}
SAY: list[dict[str, Any]] = [{"name": "Say", "ansible.builtin.debug": {"msg": "hello"}}]


def checked(root: Path, authorization: dict[str, Any]) -> Checked:
    environments = {name: {"runner": "local"} for name in ("lab", "production", "staging")}
    changes = {
        "security": {"security": {"authorization": authorization}},
        "orchestration": {"orchestration": {"environments": environments}},
    }
    return check_project(Project(make_project(root, {"first": SAY}, changes)))


def ask(root: Path, authorization: dict[str, Any], person: Person, action: str) -> Permit:
    project = checked(root, {"roles": ROLES, **authorization})
    return admit(project.platform.authorization["lab"], project.registries, person, action)


def somebody(name: str, *groups: str) -> Person:
    return Person(name, 1000, groups)


@pytest.mark.parametrize(
    ("permission", "action", "expected"),
    [
        ("*", "deploy_production", True),
        ("deploy", "deploy_production", True),
        ("deploy_production", "deploy_production", True),
        ("production_deploy", "deploy_production", True),
        ("deploy_staging", "deploy_production", False),
        ("write", "run_backup", True),
        ("run", "run_backup", True),
        ("run_backup", "run_backup", True),
        ("run_backup", "run_chores", False),
        ("read", "monitor", False),
        ("write", "deploy_production", False),
    ],
)
def test_a_permission_covers_what_its_name_says(permission: str, action: str, expected: bool) -> None:
    assert covers(permission, action) is expected


def test_the_role_of_the_user_comes_before_that_of_a_group_and_before_the_default(tmp_path: Path) -> None:
    people = {"users": {"alice": "admin"}, "groups": {"devs": "developer"}, "default_role": "operator"}
    assert ask(tmp_path / "a", people, somebody("alice", "devs"), "read").role == "admin"
    assert ask(tmp_path / "b", people, somebody("bob", "staff", "devs"), "read").role == "developer"
    assert ask(tmp_path / "c", people, somebody("carol"), "read").role == "operator"


def test_everybody_is_admin_as_long_as_nobody_is_named(tmp_path: Path) -> None:
    assert ask(tmp_path, {}, somebody("anyone"), "deploy_staging") == Permit(
        somebody("anyone"), "admin", "deploy_staging"
    )


def test_a_person_without_a_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"^config/ssot/security_registry.yaml:3:5: mallory has no role\."):
        ask(tmp_path, {"users": {"alice": "admin"}}, somebody("mallory"), "read")


def test_an_action_outside_the_permissions_is_refused_with_the_line_of_the_rule(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        ask(tmp_path, {"default_role": "developer"}, somebody("bob"), "monitor")
    assert str(refused.value) == (
        'config/ssot/security_registry.yaml:10:9: bob has the role "developer", which may not monitor.\n'
        "  It may: read, write, deploy_staging. Ask somebody with another role, or change the registry."
    )


def test_a_restriction_that_forbids_what_no_permission_covers_is_the_rule_that_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r'security_registry.yaml:22:11: carol has the role "operator"'):
        ask(tmp_path, {"default_role": "operator"}, somebody("carol"), "deploy_staging")


def test_a_restricted_action_needs_an_approval_and_names_its_rule(tmp_path: Path) -> None:
    permit = ask(tmp_path, {"default_role": "admin"}, somebody("alice"), "deploy_production")
    assert permit.needs_approval == 'config/ssot/security_registry.yaml:8:11: "production_deploy" needs an approval'


def test_a_workflow_is_the_action_of_its_family(tmp_path: Path) -> None:
    workflows = checked(tmp_path, {"roles": ROLES}).platform.workflows
    assert action_of(workflows["chores.daily"], "lab") == "run_chores"
    assert action_of(workflows["platform.status"], "lab") == "read"
    assert action_of(workflows["platform.down"], "lab") == "deploy_lab"
