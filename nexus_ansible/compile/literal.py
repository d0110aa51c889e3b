# SPDX-License-Identifier: Apache-2.0
"""Registry values as Ansible has to read them: literal, except that `${NAME}` becomes a lookup of a secret."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nexus_ansible.registries.references import REFERENCE

if TYPE_CHECKING:
    from nexus_ansible.registries.document import Data

_LOOKUP = r"{{ lookup('nexus.automation.secret', '\1') }}"
_OPENING = re.compile(r"\{(?=[{%#]|\Z)")
_BRACE = "{{ '{' }}"


def literal(value: Data) -> Data:
    """A value, however deep, in which Jinja finds nothing but the lookups of secrets.

    The lookup happens on the control node at the moment of use. Keys of mappings are names and stay as they are.

    >>> literal("Bearer ${TOKEN}"), literal(["{{ x }}", 1])
    ("Bearer {{ lookup('nexus.automation.secret', 'TOKEN') }}", ["{{ '{' }}{ x }}", 1])
    """
    if isinstance(value, str):
        return _text(value) if "{" in value else value
    if isinstance(value, dict):
        return {key: literal(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [literal(member) for member in value]
    return value


def _text(value: str) -> str:
    """A brace that opens a Jinja block, alone or together with what follows it, becomes an expression of its own."""
    parts: list[str] = []
    end = 0
    for found in REFERENCE.finditer(value):
        parts += [_OPENING.sub(_BRACE, value[end : found.start()]), found.expand(_LOOKUP)]
        end = found.end()
    rest = value[end:]
    return "".join([*parts, re.sub(r"\{(?=[{%#])", _BRACE, rest)])
