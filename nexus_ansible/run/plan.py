# SPDX-License-Identifier: Apache-2.0
"""A plan binds what a run does to one id: the same registries, compiled files, steps and limit give the same id."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import filter as filter_names
from pathlib import Path
from typing import Any

from nexus_ansible.compile.manifest import Manifest, digest
from nexus_ansible.compile.paths import inventory_path, of_environment, playbook_path
from nexus_ansible.compile.write import write_file
from nexus_ansible.errors import DriftError, RefusedError
from nexus_ansible.model.machines import LOCALHOST
from nexus_ansible.model.platform import Environment, Workflow
from nexus_ansible.project import Project, refusing
from nexus_ansible.registries.problems import unknown

ID_LENGTH = 12
_GROUPS = frozenset({"all", "control", "localhost", "machines", "services"})
_LIMIT_SEPARATOR = re.compile(r"[,:](?![^\[]*\])")  # Ansible's, and not those within the brackets of a range
_PATTERN = re.compile(r"[\[~@]|^(?:wave|batch)_[0-9]+$")  # what only Ansible can tell the hosts of


@dataclass(frozen=True)
class Plan:
    """What would run. Digests are SHA-256 in hex; that of the inventory is of all compiled files of the environment."""

    workflow: str
    environment: str
    playbook: str
    inventory: str
    registries: str
    playbook_digest: str
    inventory_digest: str
    compiler: str
    limit: str = ""
    steps: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The plan's id, 12 hex digits of the digest of everything it binds."""
        return digest(json.dumps(asdict(self), sort_keys=True).encode())[:ID_LENGTH]


def make_plan(
    manifest: Manifest,
    workflow: Workflow,
    environment: str,
    limit: str = "",
    steps: tuple[str, ...] = (),
    arguments: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan of running a workflow as it is compiled now."""
    playbook, inventory = playbook_path(workflow.name), inventory_path(environment)
    return Plan(
        workflow=workflow.name,
        environment=environment,
        playbook=playbook,
        inventory=inventory,
        registries=digest(json.dumps(dict(manifest.inputs), sort_keys=True).encode()),
        playbook_digest=manifest.outputs[playbook],
        inventory_digest=digest(json.dumps(of_environment(manifest.outputs, environment), sort_keys=True).encode()),
        compiler=manifest.compiler,
        limit=limit,
        steps=steps,
        arguments=arguments or {},
    )


def chosen_steps(workflow: Workflow, step: tuple[str, ...], from_step: str | None) -> tuple[str, ...]:
    """The steps to run, in order; none means all. Raises RefusedError for a step that the workflow lacks."""
    names = [known.name for known in workflow.steps]
    for name in (*step, *(() if from_step is None else (from_step,))):
        if name not in names:
            what, hint = unknown("step", name, names)
            raise RefusedError(f"{workflow.position}: {what} of {workflow.name}\n  {hint}")
    if from_step:
        return tuple(names[names.index(from_step) :])
    return tuple(name for name in names if name in step)


def chosen_hosts(environment: Environment, limit: str) -> str:
    """The limit, when every name and wildcard in it fits something of the environment.

    Raises RefusedError for a name that is not known, because Ansible would only warn, and for a limit without any.
    """
    names = [part.strip().lstrip("!&") for part in _LIMIT_SEPARATOR.split(limit) if part.strip()]
    if limit and not names:
        raise RefusedError(f'--limit "{limit}" names no host.\n  Leave it out to run on all of them.')
    known = [service.group for service in environment.services.values()]
    known += [instance.name for instance in environment.instances]
    for machine in environment.machines.values():
        known += [name for name in (machine.name, machine.inventory_group) if name not in {LOCALHOST, ""}]
    for name in names:
        if not _PATTERN.search(name) and not filter_names({*known, *_GROUPS}, name):
            what, hint = unknown("host or group", name, known)
            found = " Machines are discovered by each run and cannot be named." if environment.discovery else ""
            raise RefusedError(f"{what}\n  {hint}{found}")
    return limit


def save_plan(project: Project, plan: Plan) -> None:
    """Keep a plan, so that `apply --plan ID` can tell what became of it. Raises RefusedError."""
    with refusing(project.state):
        write_file(_path(project, plan.id), json.dumps(asdict(plan), indent=1, sort_keys=True) + "\n", 0o600)


def require_plan(project: Project, wanted: str, now: Plan) -> None:
    """Refuse a plan that is not what would run now. Raises RefusedError, or DriftError with what changed."""
    if wanted == now.id:
        return
    try:
        old = json.loads(_path(project, wanted).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        raise RefusedError(
            f'There is no plan "{wanted}".\n  `nexus-ansible plan {now.environment}` makes one.'
        ) from None
    new = json.loads(json.dumps(asdict(now)))
    changed = ", ".join(key for key in new if new[key] != old.get(key))
    raise DriftError(
        f"Plan {wanted} is stale: {changed} changed since; now it would be {now.id}.\n"
        f"  Look at the new one: nexus-ansible plan {now.environment}"
    )


def _path(project: Project, plan: str) -> Path:
    return project.state / "plans" / f"{plan}.json"
