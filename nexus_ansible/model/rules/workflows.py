# SPDX-License-Identifier: Apache-2.0
"""Rules for workflows and pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.model.reserved import RESERVED_VARIABLES
from nexus_ansible.model.rules.twice import told_twice
from nexus_ansible.model.units import cron_problem
from nexus_ansible.model.workflows import OPERATIONS, PLATFORM, file_stem, workflow_paths
from nexus_ansible.registries.problems import quote, unknown
from nexus_ansible.registries.registry_set import environment_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

RESERVED_STEPS = {"all", "always", "localhost", "never", "tagged", "untagged"}
"""A step's name is the tag of its plays, and its host in a parallel stage. Ansible uses these for something else."""


def workflow_rules(registries: Registries) -> Iterator[Problem]:
    """What a workflow or a pipeline can have wrong on its own; steps against roles are checked by the compiler."""
    if PLATFORM in registries.get(("automation", "workflows"), {}):
        what = f'a workflow family cannot be called "{PLATFORM}"'
        yield registries.problem(("automation", "workflows", PLATFORM), what, "Every project has one.", key=True)
    yield from _files(registries)
    environments = environment_names(registries)
    if not environments:
        hint = "Add orchestration.environments, or a variant of automation.workflows.deployment."
        yield registries.problem(("orchestration",), "there is no environment", hint, key=True)
    for _, _, _, path in workflow_paths(registries):
        data: Mapping[str, Any] = registries.get(path)
        if "environment" in data and data["environment"] not in environments:
            yield registries.problem((*path, "environment"), *unknown("environment", data["environment"], environments))
        yield from _schedule(registries, data, path)
        yield from _steps(registries, data, path)


def _files(registries: Registries) -> Iterator[Problem]:
    """Each workflow compiles to a playbook of its own: `a.b-c` and `a.b_c` would be one file."""
    owners = {file_stem(f"{PLATFORM}.{name}"): f"{PLATFORM}.{name}" for name in OPERATIONS}
    for name, _, _, path in workflow_paths(registries):
        stem = file_stem(name)
        if stem in owners and name != owners[stem]:
            what = f'"{name}" and "{owners[stem]}" compile to the same playbook, {stem}.yml'
            yield registries.problem(path, what, "Give one of them another name.", key=True)
        owners.setdefault(stem, name)


def _schedule(registries: Registries, data: Mapping[str, Any], path: KeyPath) -> Iterator[Problem]:
    if "schedule" in data:
        wrong = cron_problem(data["schedule"])
        if wrong:
            what = f"{quote(data['schedule'])} is not a schedule: {wrong}"
            yield registries.problem(
                (*path, "schedule"), what, "Write for example 0 2 * * * for two o'clock each night."
            )
        if "interval" in data:
            what = "a workflow has a schedule or an interval, not both"
            yield registries.problem((*path, "interval"), what, "Remove one of them.", key=True)
    for key in ("schedule", "interval"):
        if key in data and "schedule" not in data.get("triggers", ["manual"]):
            hint = 'Add "schedule" to triggers.'
            yield registries.problem((*path, key), f"{key} has no effect: the trigger is missing", hint, key=True)


def _steps(registries: Registries, data: Mapping[str, Any], path: KeyPath) -> Iterator[Problem]:
    stages: list[tuple[KeyPath, Mapping[str, Any]]] = [(path, data)]
    if "stages" in data:
        stages = [((*path, "stages", index), stage) for index, stage in enumerate(data["stages"])]
        yield from told_twice(registries, "stage", [((*where, "name"), stage["name"]) for where, stage in stages])
    steps = [((*where, "steps", index), step) for where, stage in stages for index, step in enumerate(stage["steps"])]
    named = [_name(where, step) for where, step in steps]
    yield from told_twice(registries, "step", named)
    for where, name in named:
        if name in RESERVED_STEPS:
            yield registries.problem(
                where, f'a step cannot be called "{name}"', "Ansible gives it a meaning of its own."
            )
    for where, step in steps:
        if isinstance(step, dict):
            yield from _mapping_step(registries, step, where)


def _name(path: KeyPath, step: str | Mapping[str, Any]) -> tuple[KeyPath, str]:
    return (path, step) if isinstance(step, str) else ((*path, "name"), str(step["name"]))


def _mapping_step(registries: Registries, step: Mapping[str, Any], path: KeyPath) -> Iterator[Problem]:
    if "command" in step:
        for key in ("role", "tasks_from", "with"):
            if key in step:
                hint = f"Remove {key}, or the command."
                yield registries.problem((*path, key), f"a step with a command has no {key}", hint, key=True)
    for name in step.get("with", {}):
        if name in RESERVED_VARIABLES:
            what = f'"{name}" is a name that Ansible keeps for itself'
            yield registries.problem((*path, "with", name), what, "Call the argument something else.", key=True)


def added_workflows(registries: Registries, view: Registries, environment: str) -> Iterator[Problem]:
    """Workflows that only an environment's overrides name: there is one set of playbooks for all environments."""
    shared = {path for _, _, _, path in workflow_paths(registries)}
    for name, _, _, path in workflow_paths(view):
        if path not in shared:
            what = f'the overrides of "{environment}" add the workflow {name}'
            hint = f"Define it in the registry itself, with `environment: {environment}`."
            yield view.problem(path, what, hint, key=True)
