# SPDX-License-Identifier: Apache-2.0
"""Where a value comes from: overrides, the registries themselves, and the schema's defaults."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nexus_ansible.errors import RefusedError
from nexus_ansible.registries.document import dotted
from nexus_ansible.registries.problems import quote, unknown
from nexus_ansible.registries.registry_set import as_seen_by
from nexus_ansible.registries.schema import ROOT_KEYS, default_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexus_ansible.registries.document import Data, KeyPath
    from nexus_ansible.registries.registry_set import Registries

_PART = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")
_PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[[0-9]{1,9}\])*")
_MISSING = object()
DEFAULT = "default of the schema"
WINS = "wins"


@dataclass(frozen=True)
class Source:
    """One place that gives a value. `origin` is file:line:column, or the schema.

    `part` is `wins`, `lost`, or `merged` for a mapping that gives some of the value's keys.
    """

    part: str
    value: Data
    origin: str

    @property
    def text(self) -> str:
        """The value as JSON on one line."""
        return json.dumps(self.value, ensure_ascii=False)

    def as_json(self) -> dict[str, Data]:
        """For machines."""
        return {"part": self.part, "value": self.value, "origin": self.origin}


@dataclass(frozen=True)
class Explanation:
    """A value as an environment sees it, and every place that speaks of it, the strongest first."""

    value: Data
    sources: tuple[Source, ...]

    @property
    def text(self) -> str:
        """The value as JSON on one line."""
        return json.dumps(self.value, ensure_ascii=False)

    def as_json(self) -> dict[str, Data]:
        """For machines."""
        return {"value": self.value, "sources": [source.as_json() for source in self.sources]}


def parse_path(text: str) -> KeyPath:
    """`a.b[0]` as `("a", "b", 0)`. Raises RefusedError for text that is not a path."""
    if not _PATH.fullmatch(text):
        raise RefusedError(
            f"{quote(text)} is not a path\n  Write for example automation.workflows.backup.daily.steps[0]."
        )
    return tuple(int(found[2]) if found[2] else found[1] for found in _PART.finditer(text))


def explain(registries: Registries, path: KeyPath, environment: str) -> Explanation:
    """A value as an environment sees it, and where it comes from.

    Raises RefusedError, with the names that are known at the point where the path fails, when there is none.
    """
    if not path or path[0] not in ROOT_KEYS.values():
        raise RefusedError("\n  ".join(unknown("registry", str(path[0]) if path else "", ROOT_KEYS.values())))
    found = list(_places(registries, path, environment))
    if not found:
        raise RefusedError(_nothing(registries, path))
    value = as_seen_by(registries, environment).get(path, _MISSING)
    if value is _MISSING:
        value = next((given for given, origin in found if origin == DEFAULT), None)
    sources = [Source(_part(given, value), given, origin) for given, origin in found]
    return Explanation(value, tuple(_once(sources)))


def _part(given: Data, value: Data) -> str:
    if given == value:
        return WINS
    return "merged" if isinstance(given, dict) and isinstance(value, dict) else "lost"


def _once(sources: list[Source]) -> Iterator[Source]:
    """Only the strongest of several places that give the same value wins."""
    won = False
    for source in sources:
        yield replace(source, part="lost") if won and source.part == WINS else source
        won = won or source.part == WINS


def _places(registries: Registries, path: KeyPath, environment: str) -> Iterator[tuple[Data, str]]:
    """(value, origin): the environment's override, the registry, the schema's default."""
    override: KeyPath = ("orchestration", "environments", environment, "overrides", *path)
    for place in (override, path):
        value = registries.get(place, _MISSING)
        if value is not _MISSING:
            yield value, str(registries.at(place))

    def exists(place: KeyPath) -> bool:
        return any(registries.get(full, _MISSING) is not _MISSING for full in (place, (*override[:4], *place)))

    default = default_of(path, exists)
    if default is not None:
        yield default[0], DEFAULT


def _nothing(registries: Registries, path: KeyPath) -> str:
    for depth in range(1, len(path)):
        node = registries.get(path[:depth])
        if isinstance(node, dict) and path[depth] not in node:
            what, hint = unknown("key", str(path[depth]), [str(key) for key in node])
            return f"{registries.at(path[:depth])}: {what} in {dotted(path[:depth])}\n  {hint}"
    return f"{dotted(path)}: there is no such value"
