# SPDX-License-Identifier: Apache-2.0
"""The five registries together, as they stand or as one environment sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_ansible.registries.check import check
from nexus_ansible.registries.document import Data, Document, KeyPath, Marks
from nexus_ansible.registries.load import load
from nexus_ansible.registries.problems import InvalidRegistriesError, Position, Problem
from nexus_ansible.registries.schema import REGISTRIES, ROOT_KEYS, file_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Registries:
    """Documents by registry name (`automation`, `pipeline`, ...); each fits its schema."""

    documents: Mapping[str, Document]

    def get(self, path: KeyPath, default: Data = None) -> Data:
        """The value at a path such as `("orchestration", "services", "backend")`, or `default`."""
        return self._owner(path).get(path, default)

    def at(self, path: KeyPath, *, key: bool = False) -> Position:
        """Where the value (or the key) at a path stands; the closest ancestor where it does not exist."""
        return self._owner(path).at(path, key=key)

    def problem(self, path: KeyPath, what: str, hint: str = "", *, key: bool = False) -> Problem:
        """A problem with the value (or the key) at a path."""
        return Problem(self.at(path, key=key), what, hint)

    def _owner(self, path: KeyPath) -> Document:
        for registry, root in ROOT_KEYS.items():
            if path[0] == root:
                return self.documents[registry]
        raise KeyError(path[0])


def read_registries(directory: Path, *, shown: str | None = None) -> Registries:
    """Read and check the five files of a directory.

    `shown` is the directory's name in messages and in compiled comments (default: the directory itself).
    Raises InvalidRegistriesError with every problem of every file.
    """
    marks = Marks()
    documents: dict[str, Document] = {}
    problems: list[Problem] = []
    for registry in REGISTRIES:
        name = file_name(registry)
        document, found = load(directory / name, marks, shown=f"{shown or directory}/{name}")
        if document is not None:
            found = check(registry, document)
            documents[registry] = document
        problems.extend(found)
    if problems:
        raise InvalidRegistriesError(problems)
    return Registries(documents)


def environment_names(registries: Registries) -> tuple[str, ...]:
    """Names of the environments: those defined, else one for each variant of the `deployment` family."""
    defined = registries.get(("orchestration", "environments"))
    if defined is None:
        defined = registries.get(("automation", "workflows", "deployment"), {})
    return tuple(sorted(defined))


def as_seen_by(registries: Registries, environment: str) -> Registries:
    """The registries with the overrides of one environment merged over them.

    Registries without overrides are shared, not copied. Raises InvalidRegistriesError when the result no longer fits
    the schemas; positions then point at the override.
    """
    overrides = registries.get(("orchestration", "environments", environment, "overrides"), {})
    if not overrides:
        return registries
    documents = dict(registries.documents)
    problems: list[Problem] = []
    for registry, root in ROOT_KEYS.items():
        if root not in overrides:
            continue
        base = documents[registry]
        merged = merge(base.data, {root: overrides[root]}, base.marks)
        base.marks.roots.append(merged)
        documents[registry] = Document(base.file, merged, base.marks)
        problems.extend(check(registry, documents[registry]))
    if problems:
        raise InvalidRegistriesError(problems)
    return Registries(documents)


def merge(base: dict[str, Data], over: dict[str, Data], marks: Marks) -> dict[str, Data]:
    """`over` merged over `base`: mappings merge, everything else replaces. Marks follow the value that wins."""
    merged = dict(base)
    where = dict(marks.members.get(id(base), {}))
    of_over = marks.members.get(id(over), {})
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value, marks) if isinstance(below, dict) and isinstance(value, dict) else value
        if key in of_over:
            where[key] = of_over[key]
    marks.members[id(merged)] = where
    marks.roots.append(merged)
    return merged
