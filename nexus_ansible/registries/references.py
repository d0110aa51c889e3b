# SPDX-License-Identifier: Apache-2.0
"""`${NAME}`: references to secrets. A registry names a secret and never holds one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_ansible.registries.document import KeyPath, walk
from nexus_ansible.registries.problems import Position, Problem, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexus_ansible.registries.registry_set import Registries

REFERENCE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_ATTEMPT = re.compile(r"\$\{[^}]*\}?")


@dataclass(frozen=True)
class Reference:
    """One use of a secret: its name, the path of the value that uses it, and where that stands."""

    name: str
    path: KeyPath
    position: Position


def references(registries: Registries) -> Iterator[Reference]:
    """Every `${NAME}` in the registries, in file order; those of other environments' overrides are left out."""
    for document in registries.documents.values():
        for path, value in walk(document.data):
            if not isinstance(value, str) or "${" not in value or path[:2] == ("orchestration", "environments"):
                continue
            for name in REFERENCE.findall(value):
                yield Reference(name, path, document.at(path))


def malformed(registries: Registries) -> Iterator[Problem]:
    """Every `${...}` that is not a reference to a secret."""
    for document in registries.documents.values():
        for path, value in walk(document.data):
            if not isinstance(value, str) or "${" not in value:
                continue
            for attempt in _ATTEMPT.findall(value):
                if not REFERENCE.fullmatch(attempt):
                    hint = "Write ${NAME} with capital letters, digits and _."
                    yield Problem(document.at(path), f"{quote(attempt)} is not a reference to a secret", hint)
