# SPDX-License-Identifier: Apache-2.0
"""May this person do this now? Permissions, restrictions, approval, secrets."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from nexus_ansible.errors import RefusedError
from nexus_ansible.model.platform import Authorization, Role, Workflow
from nexus_ansible.registries.document import KeyPath
from nexus_ansible.registries.registry_set import Registries

ROLES: KeyPath = ("security", "authorization", "roles")
REASON_RULE: KeyPath = ("security", "compliance", "sox_compliance")


@dataclass(frozen=True)
class Person:
    """Whoever types the command. `vouched_by` is empty where it is the process's own user who does."""

    name: str
    uid: int
    groups: tuple[str, ...]
    vouched_by: str = ""


_acting_for: ContextVar[Person | None] = ContextVar("acting_for", default=None)


def act_for(person: Person) -> None:
    """Be another person from now on: for a control node that runs what somebody asked for elsewhere."""
    _acting_for.set(person)


@dataclass(frozen=True)
class Permit:
    """What the gate found: the role that allows an action, and the restriction that asks for an approval, if any."""

    person: Person
    role: str
    action: str
    needs_approval: str = ""


def this_person() -> Person:
    """The operating-system user of this process, or whom it acts for.

    SUDO_USER is not believed, because anybody can set it.
    """
    if (person := _acting_for.get()) is not None:
        return person
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid-{uid}"
    return Person(name, uid, tuple(_group_name(gid) for gid in os.getgroups()))


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"gid-{gid}"


def action_of(workflow: Workflow, environment: str) -> str:
    """The action of security.authorization that running a workflow is."""
    if workflow.family == "monitoring":
        return "monitor"
    if workflow.name == "platform.status":
        return "read"
    if workflow.family in {"deployment", "cd", "platform"}:
        return f"deploy_{environment}"
    return f"run_{workflow.family}"


def covers(permission: str, action: str) -> bool:
    """Whether a permission (or a restriction) speaks of an action.

    >>> covers("deploy", "deploy_staging"), covers("production_deploy", "deploy_production"), covers("read", "write")
    (True, True, False)
    """
    kind, _, object_ = action.partition("_")
    broader = {"run": ("write",), "deploy": ()}.get(kind, ())
    return permission in {"*", action, kind if object_ else action, f"{object_}_{kind}", *broader}


def admit(
    authorization: Authorization, registries: Registries, person: Person, action: str, reason: str = ""
) -> Permit:
    """Let a person take an action. Raises RefusedError that names the rule with file and line."""
    if action != "read" and not reason.strip() and registries.get(REASON_RULE, False):
        raise RefusedError(
            f"{registries.at(REASON_RULE)}: everything that changes something needs a reason.\n"
            "  Give one with --reason, or in the environment variable NEXUS_REASON."
        )
    role = _role_of(authorization, registries, person)
    if not any(covers(permission, action) for permission in role.permissions):
        named = [index for index, name in enumerate(role.restrictions) if covers(name, action)]
        rule = (*ROLES, role.name, "restrictions", named[0]) if named else (*ROLES, role.name, "permissions")
        allowed = ", ".join(role.permissions) or "nothing"
        raise RefusedError(
            f'{registries.at(rule, key=True)}: {person.name} has the role "{role.name}", which may not {action}.\n'
            f"  It may: {allowed}. Ask somebody with another role, or change the registry."
        )
    for index, restriction in enumerate(role.restrictions):
        if covers(restriction, action):
            position = registries.at((*ROLES, role.name, "restrictions", index))
            return Permit(person, role.name, action, f'{position}: "{restriction}" needs an approval')
    return Permit(person, role.name, action)


def _role_of(authorization: Authorization, registries: Registries, person: Person) -> Role:
    names: Mapping[str, str] = authorization.groups
    found = authorization.users.get(person.name) or next(
        (names[group] for group in person.groups if group in names), authorization.default_role
    )
    if found is None:
        position = registries.at(("security", "authorization"))
        raise RefusedError(
            f"{position}: {person.name} has no role.\n"
            f"  Add {person.name} under security.authorization.users, or set default_role."
        )
    return authorization.roles[found]
