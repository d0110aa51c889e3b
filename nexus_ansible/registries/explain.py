# SPDX-License-Identifier: Apache-2.0
"""Where a value comes from: overrides, the registries themselves, and the schema's defaults."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nexus_ansible.errors import RegistryError
from nexus_ansible.registries.document import KeyPath, dotted
from nexus_ansible.registries.problems import unknown
from nexus_ansible.registries.registry_set import Registries
from nexus_ansible.registries.schema import ROOT_KEYS, default_of

_PART = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")


@dataclass(frozen=True)
class Source:
    """One place that gives a value. `origin` is file:line:column, or the schema."""

    value: Any
    origin: str

    @property
    def text(self) -> str:
        """The value as JSON on one line."""
        return json.dumps(self.value, ensure_ascii=False)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {"value": self.value, "origin": self.origin}


def parse_path(text: str) -> KeyPath:
    """`a.b[0]` as `("a", "b", 0)`."""
    return tuple(int(found[2]) if found[2] else found[1] for found in _PART.finditer(text))


def explain(registries: Registries, path: KeyPath, environment: str) -> list[Source]:
    """Every source of a value in an environment, the winner first.

    Raises RegistryError, with the names that are known at the point where the path fails, when there is none.
    """
    if not path or path[0] not in ROOT_KEYS.values():
        raise RegistryError("\n  ".join(unknown("registry", str(path[0]) if path else "", ROOT_KEYS.values())))
    found = list(_sources(registries, path, environment))
    if not found:
        raise RegistryError(_nothing(registries, path))
    return found


def _sources(registries: Registries, path: KeyPath, environment: str) -> Iterator[Source]:
    missing = object()
    override: KeyPath = ("orchestration", "environments", environment, "overrides", *path)
    for place in (override, path):
        value = registries.get(place, missing)
        if value is not missing:
            yield Source(value, str(registries.at(place)))

    def exists(place: KeyPath) -> bool:
        return any(registries.get(full, missing) is not missing for full in (place, (*override[:4], *place)))

    default = default_of(path, exists)
    if default is not None:
        yield Source(default[0], "default of the schema")


def _nothing(registries: Registries, path: KeyPath) -> str:
    for depth in range(1, len(path)):
        node = registries.get(path[:depth])
        if isinstance(node, dict) and path[depth] not in node:
            what, hint = unknown("key", str(path[depth]), [str(key) for key in node])
            return f"{registries.at(path[:depth])}: {what} in {dotted(path[:depth])}\n  {hint}"
    return f"{dotted(path)}: there is no such value"
