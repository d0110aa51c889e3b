# SPDX-License-Identifier: Apache-2.0
"""Environments against their runners: is there one of that name, and does every key mean something to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.runners import RUNNERS, RunnerError, find_runner

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.compile.runners import Runner
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

COMMON = frozenset({"control_node", "description", "overrides", "port_range", "runner", "services"})
"""Keys that mean the same to every runner."""


def check_runners(views: Mapping[str, Registries]) -> Iterator[Problem]:
    """What is wrong between environments and their runners; `views` are the registries as each one sees them."""
    for name, view in views.items():
        path = ("orchestration", "environments", name)
        data: Mapping[str, Any] = view.get(path) or {}
        kind = data.get("runner", "local")
        try:
            runner = find_runner(kind)
        except RunnerError as error:
            yield view.problem((*path, "runner"), error.what, error.hint)
            continue
        yield from _foreign(view, path, data, kind, runner)
        yield from runner.check(view, path)


def _foreign(view: Registries, path: KeyPath, data: Mapping[str, Any], kind: str, runner: Runner) -> Iterator[Problem]:
    for key in data:
        if key in COMMON or key in runner.settings:
            continue
        owners = [name for name, other in RUNNERS.items() if key in other.settings]
        known = ", ".join(sorted(runner.settings)) or "none"
        way_out = f"Remove it, or choose the runner it belongs to: {', '.join(owners)}." if owners else "Remove it."
        what = f'the runner "{kind}" has no "{key}"'
        yield view.problem((*path, key), what, f"Known for {kind}: {known}. {way_out}", key=True)
