# SPDX-License-Identifier: Apache-2.0
"""A graph of YAML nodes to plain data: no duplicate keys, no alias bombs, no words that YAML 1.1 turns into others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from nexus_ansible.registries.compose import MAX_DEPTH
from nexus_ansible.registries.problems import Problem, describe, quote

if TYPE_CHECKING:
    from nexus_ansible.registries.document import Data, Mark, Marks

MAX_ALIAS_GROWTH = 10
SMALL = 10_000
"""Nodes that a file may always grow to by its aliases."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?[0-9]{1,30}\.[0-9]{0,30}([eE][-+]?[0-9]{1,2})?")
_TAG = "tag:yaml.org,2002:"
_STR, _NULL, _BOOL, _INT, _FLOATING = (f"{_TAG}{kind}" for kind in ("str", "null", "bool", "int", "float"))
_MAP, _SEQ, _MERGE, _DATE, _VALUE = (f"{_TAG}{kind}" for kind in ("map", "seq", "merge", "timestamp", "value"))
_SPECIAL = {
    _BOOL: ("a truth value", "Write true or false, or put text in quotes."),
    _INT: ("a number in a notation of its own", "Write it in decimal digits, or put text in quotes."),
    _FLOATING: ("a number in a notation of its own", "Write it in decimal digits, or put text in quotes."),
    _VALUE: ("a default value", "Put it in quotes if it is text."),
    _MERGE: ("a merge key", "Put it in quotes if it is text."),
}


@dataclass(frozen=True)
class _Known:
    """A container that was read already: its data, the nodes it stands for with aliases written out, its height."""

    data: Data
    size: int
    height: int


class NodeReader:
    """Reads the nodes of one file, marks every member in `marks` and collects `problems`."""

    def __init__(self, file_index: int, marks: Marks) -> None:
        self.problems: list[Problem] = []
        self._file = file_index
        self._marks = marks
        self._known: dict[int, _Known] = {}
        self._open: set[int] = set()
        self._nodes = 0
        self._size = 0
        self._deepest = 0
        self._bomb = False

    def read(self, node: yaml.Node, depth: int = 0) -> Data:
        """Plain data of a node: dict, list, str, int, float, bool or None."""
        if isinstance(node, yaml.ScalarNode):
            self._nodes += 1
            self._size += 1
            return self._scalar(node)
        known = self._known.get(id(node))
        if known is not None:
            return self._again(node, known, depth)
        if id(node) in self._open:
            self._problem(node, "an alias contains itself", "Write the value out.")
            return None
        assert isinstance(node, yaml.MappingNode | yaml.SequenceNode)
        return self._container(node, depth)

    def _container(self, node: yaml.MappingNode | yaml.SequenceNode, depth: int) -> Data:
        self._open.add(id(node))
        size, deepest = self._size, self._deepest
        self._nodes += 1
        self._size += 1
        self._deepest = depth
        data = self._mapping(node, depth) if isinstance(node, yaml.MappingNode) else self._sequence(node, depth)
        self._open.discard(id(node))
        self._known[id(node)] = _Known(data, self._size - size, self._deepest - depth)
        self._deepest = max(deepest, self._deepest)
        return data

    def _again(self, node: yaml.Node, known: _Known, depth: int) -> Data:
        """What an alias stands for; aliases of aliases must neither blow the data up nor nest it too deeply."""
        self._size += known.size
        self._deepest = max(self._deepest, depth + known.height)
        if not self._bomb and self._size > MAX_ALIAS_GROWTH * self._nodes + SMALL:
            self._bomb = True
            self._problem(node, f"aliases make the file more than {MAX_ALIAS_GROWTH} times as large", "Write it out.")
        elif not self._bomb and depth + known.height > MAX_DEPTH:
            self._bomb = True
            self._problem(node, f"aliases make more than {MAX_DEPTH} levels of nesting", "Write it out.")
        return known.data

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Data]:
        data: dict[str, Data] = {}
        marks: dict[str, tuple[Mark, Mark]] = {}
        bases: list[dict[str, Data]] = []
        if node.tag != _MAP:
            self._tag(node)
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                bases.extend(self._bases(value_node, depth))
                continue
            key = self._key(key_node)
            if key is None:
                continue
            if key in data:
                first = self._marks.position(marks[key][0])
                self._problem(key_node, f"duplicate key {quote(key)}", f"It stands at line {first.line} already.")
                continue
            data[key] = self.read(value_node, depth + 1)
            marks[key] = (self._mark(key_node), self._mark(value_node))
        for base in bases:
            for key in base:
                if key not in data:
                    data[key] = base[key]
                    marks[key] = self._marks.members[id(base)][key]
        self._marks.members[id(data)] = marks
        return data

    def _bases(self, node: yaml.Node, depth: int) -> list[dict[str, Data]]:
        """The mappings that `<<` names; earlier ones win."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(base, yaml.MappingNode) for base in nodes):
            self._problem(node, "`<<` merges mappings only")
            return []
        return [data for base in nodes if isinstance(data := self.read(base, depth + 1), dict)]

    def _key(self, node: yaml.Node) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.tag in {_STR, _BOOL}:
            return str(node.value)
        self._problem(node, "a key must be text", "Put it in quotes." if isinstance(node, yaml.ScalarNode) else "")
        return None

    def _sequence(self, node: yaml.SequenceNode, depth: int) -> list[Data]:
        if node.tag != _SEQ:
            self._tag(node)
        data = [self.read(item, depth + 1) for item in node.value]
        self._marks.members[id(data)] = [self._mark(item) for item in node.value]
        return data

    def _scalar(self, node: yaml.ScalarNode) -> Data:
        tag, text = node.tag, node.value
        if tag in {_STR, _DATE}:
            return text
        if tag == _NULL:
            return None
        if tag == _BOOL and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if tag == _INT and _INTEGER.fullmatch(text):
            return int(text)
        if tag == _FLOATING and _FLOAT.fullmatch(text):
            return float(text)
        if tag in _SPECIAL:
            kind, hint = _SPECIAL[tag]
            self._problem(node, f"YAML reads {describe(text)} as {kind}", hint)
        else:
            self._tag(node)
        return text

    def _mark(self, node: yaml.Node) -> Mark:
        start = node.start_mark
        return self._file, start.line, start.column

    def _tag(self, node: yaml.Node) -> None:
        self._problem(node, f"unknown tag {quote(node.tag)}", "Registries are plain YAML.")

    def _problem(self, node: yaml.Node, what: str, hint: str = "") -> None:
        self.problems.append(Problem(self._marks.position(self._mark(node)), what, hint))
