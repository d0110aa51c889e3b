# SPDX-License-Identifier: Apache-2.0
"""Check every step against the role that holds it, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from nexus_ansible.compile.catalog import COLLECTION, Catalog, RoleSpec
from nexus_ansible.model.platform import Stage, Step, Workflow
from nexus_ansible.registries.load import describe
from nexus_ansible.registries.problems import Problem, unknown

PLACES = ("control", "machines", "services", "rollout")

_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str, int, float, bool),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def check_steps(workflows: Iterable[Workflow], groups: Collection[str], catalog: Catalog) -> list[Problem]:
    """Every step whose role, entry point, arguments or hosts do not exist or do not fit.

    `groups` are the inventory groups of services.
    """
    return [
        problem
        for workflow in workflows
        for stage in workflow.stages
        for step in stage.steps
        for problem in _check(step, stage, groups, catalog)
    ]


def _check(step: Step, stage: Stage, groups: Collection[str], catalog: Catalog) -> Iterator[Problem]:
    if step.hosts is not None and step.hosts.replace("-", "_") not in {*PLACES, *groups}:
        yield Problem(step.position, *unknown("hosts", step.hosts, [*PLACES, *groups]))
    if stage.parallel and (step.hosts or "control") != "control":
        yield Problem(step.position, f'step "{step.name}" of a parallel stage cannot run on {step.hosts}', "Give it a stage of its own.")
    if step.command:
        return
    role = catalog.find(step.role)
    if role is None:
        known = [name.removeprefix(f"{COLLECTION}.") for name in catalog.roles]
        what, hint = unknown("role", step.role, known)
        yield Problem(step.position, f'step "{step.name}" needs {what}', hint)
        return
    if step.entry_point not in role.entry_points:
        known = [name for name in role.entry_points if name != "main"]
        yield Problem(step.position, *unknown("step", step.entry_point, known))
        return
    if stage.parallel and step.hosts is None and {play.hosts for play in role.placement(step.entry_point).plays} != {"control"}:
        yield Problem(step.position, f'step "{step.name}" does not run on the control node alone, so its stage cannot be parallel')
    yield from _arguments(step, role)


def _arguments(step: Step, role: RoleSpec) -> Iterator[Problem]:
    options: Mapping[str, Any] = role.entry_points[step.entry_point].get("options") or {}
    for name, value in step.arguments.items():
        if name not in options:
            yield Problem(step.position, *unknown(f'argument of step "{step.name}":', name, options))
            continue
        option = options[name] or {}
        kind = option.get("type", "str")
        if kind in _TYPES and not _fits(value, kind):
            what = f'argument "{name}" of step "{step.name}" must be {kind}, found {describe(value)}'
            yield Problem(step.position, what)
        elif "choices" in option and value not in option["choices"]:
            yield Problem(step.position, *unknown(f'value for argument "{name}":', str(value), map(str, option["choices"])))
    for name, option in options.items():
        if (option or {}).get("required") and name not in step.arguments:
            yield Problem(step.position, f'step "{step.name}" needs the argument "{name}"', str(option.get("description", "")))


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, str) and "${" in value:
        return True
    if isinstance(value, bool) and kind in {"int", "float"}:
        return False
    return isinstance(value, _TYPES[kind])


