# SPDX-License-Identifier: Apache-2.0
"""Check every step against the role that holds it, before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.catalog import COLLECTION, Catalog, RoleSpec
from nexus_ansible.registries.problems import Problem, describe, quote, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from nexus_ansible.model.platform import Stage, Step, Workflow

PLACES = ("control", "machines", "services", "rollout")

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str, int, float, bool), "text"),
    "path": ((str,), "text"),
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "list": ((list,), "a list"),
    "dict": ((dict,), "a mapping"),
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
        for check in (_hosts(step, stage, groups), _role(step, stage, catalog))
        for problem in check
    ]


def _hosts(step: Step, stage: Stage, groups: Collection[str]) -> Iterator[Problem]:
    if step.hosts is not None and step.hosts.replace("-", "_") not in {*PLACES, *groups}:
        yield Problem(step.position, *unknown("hosts", step.hosts, [*PLACES, *groups]))
    elif stage.parallel and step.hosts not in {None, "control"}:
        what = f'step "{step.name}" of a parallel stage cannot run on {step.hosts}'
        yield Problem(step.position, what, "Give it a stage of its own.")


def _role(step: Step, stage: Stage, catalog: Catalog) -> Iterator[Problem]:
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
    places = {play.hosts for play in role.placement(step.entry_point).plays}
    if stage.parallel and step.hosts is None and places != {"control"}:
        what = f'step "{step.name}" of a parallel stage cannot run on {", ".join(sorted(places))}'
        yield Problem(step.position, what, "Give it a stage of its own.")
    yield from _arguments(step, role)


def _arguments(step: Step, role: RoleSpec) -> Iterator[Problem]:
    options: Mapping[str, Any] = role.entry_points[step.entry_point].get("options", {})
    for name, value in step.arguments.items():
        where = step.argument_positions[name]
        if name not in options:
            yield Problem(where, *unknown("argument", name, options))
            continue
        wrong = _wrong(value, options[name])
        if wrong:
            yield Problem(where, f"argument {quote(name)} {wrong}")
    for name, option in options.items():
        if option.get("required") and name not in step.arguments:
            yield Problem(step.position, f'step "{step.name}" needs the argument "{name}"', _sentence(option))


def _wrong(value: object, option: Mapping[str, Any]) -> str:
    """What is wrong with an argument as its spec has it, or nothing. A secret's type is not known before it is used."""
    if isinstance(value, str) and "${" in value:
        return ""
    kind = option.get("type", "str")
    if not _fits(value, kind):
        return f"must be {_TYPES[kind][1]}, found {describe(value)}"
    if "choices" in option and kind != "list" and value not in option["choices"]:
        return f"must be one of {', '.join(map(str, option['choices']))}, found {describe(value)}"
    elements = option.get("elements")
    if isinstance(value, list) and elements:
        found = next((item for item in value if not _fits(item, elements)), None)
        return (
            "" if found is None else f"must be a list of which each is {_TYPES[elements][1]}, found {describe(found)}"
        )
    return ""


def _fits(value: object, kind: str) -> bool:
    if kind not in _TYPES:
        return True
    if isinstance(value, bool) and kind in {"int", "float"}:
        return False
    return isinstance(value, _TYPES[kind][0])


def _sentence(option: Mapping[str, Any]) -> str:
    text = option.get("description", "")
    return " ".join(text) if isinstance(text, list) else str(text)
