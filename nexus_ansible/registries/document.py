# SPDX-License-Identifier: Apache-2.0
"""Plain data in which every key and every value can be traced to its file, line and column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from nexus_ansible.registries.problems import Position

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KeyPath: TypeAlias = tuple[str | int, ...]
Mark: TypeAlias = tuple[int, int, int]
Data: TypeAlias = Any
"""Plain data out of YAML: dict, list, str, int, float, bool or None."""


@dataclass
class Marks:
    """Where the members of containers stand.

    `members` maps `id(container)` to the marks of its members: for a mapping, key -> (mark of the key, mark of the
    value); for a list, a list of marks. A mark is (index into `files`, line, column), counted from 0. Containers are
    kept alive by `roots`, so that an id never names two of them.
    """

    files: list[str] = field(default_factory=list)
    members: dict[int, Data] = field(default_factory=dict)
    roots: list[Data] = field(default_factory=list)

    def of_key(self, mapping: dict[str, Any], key: str) -> Mark | None:
        """Mark of a key, or None when the mapping has no such key."""
        pair = self.members.get(id(mapping), {}).get(key)
        return pair[0] if pair else None

    def of_value(self, container: dict[str, Any] | list[Any], member: str | int) -> Mark | None:
        """Mark of a member's value, or None when there is no such member."""
        marks = self.members.get(id(container))
        if isinstance(member, int):
            return marks[member] if marks is not None and member < len(marks) else None
        pair = (marks or {}).get(member)
        return pair[1] if pair else None

    def position(self, mark: Mark) -> Position:
        """The mark as people write it: file:line:column, counted from 1."""
        return Position(self.files[mark[0]], mark[1] + 1, mark[2] + 1)


@dataclass(frozen=True)
class Document:
    """One registry: its data and where everything in it stands. `file` is shown in messages."""

    file: str
    data: dict[str, Data]
    marks: Marks

    def at(self, path: Sequence[str | int], *, key: bool = False) -> Position:
        """Position of the value at `path`, or of its key; of the closest ancestor where the path ends early."""
        node: Data = self.data
        mark: Mark | None = None
        for depth, part in enumerate(path):
            last = depth == len(path) - 1
            found = None
            if isinstance(node, dict) and isinstance(part, str):
                found = self.marks.of_key(node, part) if key and last else self.marks.of_value(node, part)
            elif isinstance(node, list) and isinstance(part, int):
                found = self.marks.of_value(node, part)
            if found is None:
                break
            mark, node = found, node[part]
        return self.marks.position(mark) if mark else Position(self.file)

    def get(self, path: Sequence[str | int], default: Data = None) -> Data:
        """The value at `path`, or `default`."""
        node: Data = self.data
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return default
        return node


def walk(node: Data, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Data]]:
    """Every scalar below `node` with its path, in order."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, (*path, index))
    else:
        yield path, node


def dotted(path: Sequence[str | int]) -> str:
    """`("a", "b", 0)` as `a.b[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
