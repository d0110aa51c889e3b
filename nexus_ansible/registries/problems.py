# SPDX-License-Identifier: Apache-2.0
"""What is wrong with registries, where, and what to do: collected first, told all at once."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_ansible.errors import RegistryError
from nexus_ansible.registries.closest import closest

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_LISTED = 12
LONGEST = 60
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, order=True)
class Position:
    """A place in a file; `line` and `column` count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def position_after(file: str, text: str) -> Position:
    """The place that follows a text at the beginning of a file; lines end where YAML says that they do."""
    lines = _LINE_END.split(text)
    return Position(file, len(lines), len(lines[-1]) + 1)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `hint` says what is known, or what to do about it."""

    position: Position
    what: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.position}: {self.what}" + (f"\n  {self.hint}" if self.hint else "")


class InvalidRegistriesError(RegistryError):
    """Registries that must not be used. `problems` holds every one of them, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_file_order(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def in_file_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by file, line and column; a problem found twice is told once."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda problem: (problem.position, problem.what)))


def quote(text: str) -> str:
    """Text as it stands in a message: in quotes, on one line, at most 60 characters.

    >>> quote("a\\tb")
    '"a\\\\tb"'
    """
    return json.dumps(text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...", ensure_ascii=False)


def describe(value: object) -> str:
    """A value in words, short enough for a message.

    >>> describe("x"), describe([1]), describe(None)
    ('"x"', 'a list', 'nothing')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return quote(value) if isinstance(value, str) else str(value)


def unknown(kind: str, name: str, known: Iterable[str]) -> tuple[str, str]:
    """The two texts for a name that is not known: what, and a hint with the known names and the closest one.

    >>> unknown("key", "timeot", ["timeout", "steps"])
    ('unknown key "timeot"', 'Known: steps, timeout. Did you mean "timeout"?')
    """
    names = sorted(set(known))
    close = closest(name, names)
    if not names:
        listed = "None is defined."
    elif len(names) > MAX_LISTED:
        listed = f"Known: {', '.join(names[:MAX_LISTED])} and {len(names) - MAX_LISTED} more."
    else:
        listed = f"Known: {', '.join(names)}."
    return f"unknown {kind} {quote(name)}", listed + (f' Did you mean "{close}"?' if close else "")
