# SPDX-License-Identifier: Apache-2.0
"""Names that must be unique where they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries


def told_twice(registries: Registries, kind: str, named: Iterable[tuple[KeyPath, str]]) -> Iterator[Problem]:
    """A problem for each name that a place further up has already; `named` is (path of the name, name)."""
    first: dict[str, KeyPath] = {}
    for path, name in named:
        if name in first:
            hint = f"It stands at {registries.at(first[name])} already."
            yield registries.problem(path, f'{kind} "{name}" stands twice', hint)
        first.setdefault(name, path)
