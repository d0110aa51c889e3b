# SPDX-License-Identifier: Apache-2.0
"""Rules for workflows and pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nexus_ansible.model.reserved import RESERVED_VARIABLES
from nexus_ansible.model.units import cron_problem
from nexus_ansible.model.workflows import PLATFORM, workflow_paths
from nexus_ansible.registries.document import KeyPath
from nexus_ansible.registries.problems import Problem, unknown
from nexus_ansible.registries.registry_set import Registries, environment_names


def workflow_rules(registries: Registries) -> Iterator[Problem]:
    """What a workflow or a pipeline can have wrong on its own; steps against roles are checked by the compiler."""
    environments = environment_names(registries)
    if PLATFORM in registries.get(("automation", "workflows"), {}):
        where = ("automation", "workflows", PLATFORM)
        yield registries.problem(where, f'a workflow family cannot be called "{PLATFORM}"', "Every project has one.", key=True)
    for _, _, _, path in workflow_paths(registries):
        data: Mapping[str, Any] = registries.get(path)
        if "environment" in data and data["environment"] not in environments:
            yield registries.problem((*path, "environment"), *unknown("environment", data["environment"], environments))
        yield from _schedule(registries, data, path)
        stages = [(path, data)] if "stages" not in data else [
            ((*path, "stages", index), stage) for index, stage in enumerate(data["stages"])
        ]
        yield from _twice(registries, [((*where, "name"), stage["name"]) for where, stage in stages if "name" in stage], "stage")
        steps = [((*where, "steps", index), step) for where, stage in stages for index, step in enumerate(stage["steps"])]
        yield from _twice(registries, [(where, _name(step)) for where, step in steps], "step")
        for where, step in steps:
            if isinstance(step, dict):
                yield from _mapping_step(registries, step, where)


def _name(step: str | Mapping[str, Any]) -> str:
    return step if isinstance(step, str) else str(step["name"])


def _schedule(registries: Registries, data: Mapping[str, Any], path: KeyPath) -> Iterator[Problem]:
    if "schedule" in data:
        wrong = cron_problem(data["schedule"])
        if wrong:
            yield registries.problem((*path, "schedule"), f'"{data["schedule"]}" is not a schedule: {wrong}')
        if "interval" in data:
            what = "a workflow has a schedule or an interval, not both"
            yield registries.problem((*path, "interval"), what, key=True)
    for key in ("schedule", "interval"):
        if key in data and "schedule" not in data.get("triggers", ["schedule"]):
            hint = 'Add "schedule" to triggers.'
            yield registries.problem((*path, key), f"{key} has no effect: the trigger is missing", hint, key=True)


def _twice(registries: Registries, named: list[tuple[KeyPath, str]], kind: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for where, name in named:
        if name in seen:
            yield registries.problem(where, f'{kind} "{name}" stands twice')
        seen.add(name)


def _mapping_step(registries: Registries, step: Mapping[str, Any], path: KeyPath) -> Iterator[Problem]:
    if "command" in step:
        for key in ("role", "tasks_from", "with"):
            if key in step:
                yield registries.problem((*path, key), f"a step with a command has no {key}", key=True)
    for name in step.get("with") or {}:
        if name in RESERVED_VARIABLES:
            what = f'"{name}" is a name that Ansible keeps for itself'
            yield registries.problem((*path, "with", name), what, "Call the argument something else.", key=True)
