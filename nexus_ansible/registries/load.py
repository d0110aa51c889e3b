# SPDX-License-Identifier: Apache-2.0
"""Read YAML strictly: no duplicate keys, no alias bombs, no words that YAML 1.1 silently turns into something else."""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import Any

import yaml

from nexus_ansible.registries.document import Document, Marks
from nexus_ansible.registries.problems import Position, Problem

MAX_BYTES = 8_000_000
MAX_ALIAS_GROWTH = 10
MAX_DEPTH = 60

_INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9]*)$")
_FLOAT = re.compile(r"^[-+]?[0-9]+\.[0-9]*([eE][-+]?[0-9]+)?$")
_TAG = "tag:yaml.org,2002:"
_STR, _NULL, _BOOL, _INT, _FLOATING = (f"{_TAG}{kind}" for kind in ("str", "null", "bool", "int", "float"))
_MAP, _SEQ, _MERGE, _DATE, _VALUE = (f"{_TAG}{kind}" for kind in ("map", "seq", "merge", "timestamp", "value"))


def load(directory: Path, name: str, marks: Marks, *, shown: str | None = None) -> tuple[Document | None, list[Problem]]:
    """Read one YAML file into a document whose marks are added to `marks`.

    `shown` is the file's name in messages (default: its path). Returns the document, or None when there is none to
    speak of, and every problem found.
    """
    file = shown or str(directory / name)
    marks.files.append(file)
    text, problems = _read(directory / name, file)
    if text is None:
        return None, problems
    enabled = gc.isenabled()
    gc.disable()  # nothing built here is garbage, and collecting costs more than parsing
    try:
        root, problems = _compose(text, file)
        if root is None:
            return None, problems
        builder = _Builder(len(marks.files) - 1, marks)
        data = builder.build(root, 0)
    finally:
        if enabled:
            gc.enable()
    if builder.problems:
        return None, builder.problems
    if not isinstance(data, dict):
        return None, [Problem(Position(file), f"expected a mapping, found {describe(data)}")]
    marks.roots.append(data)
    return Document(file, data, marks), []


def describe(value: object) -> str:
    """A value in words, short enough for a message; text is quoted.

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
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
    return str(value)


def _read(path: Path, file: str) -> tuple[str | None, list[Problem]]:
    where = Position(file)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            what = f"the file has {size:,} bytes; a registry may have {MAX_BYTES:,}"
            return None, [Problem(where, what, "Check what was written to it.")]
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None, [Problem(where, "the file is missing", "`nexus-ansible init` writes an example of it.")]
    except UnicodeDecodeError as error:
        return None, [Problem(where, f"the file is not UTF-8 text (byte {error.start})")]
    except OSError as error:
        return None, [Problem(where, f"the file cannot be read: {error.strerror}")]
    if not text.strip():
        return None, [Problem(where, "the file is empty")]
    return text, []


def _compose(text: str, file: str) -> tuple[yaml.Node | None, list[Problem]]:
    loader = yaml.CSafeLoader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        return None, [Problem(where, f"not valid YAML: {error.problem or error.context}", _yaml_hint(text, where))]
    except yaml.YAMLError as error:
        return None, [_unreadable(text, file, error)]
    except RecursionError:
        return None, [Problem(Position(file), "the file is nested too deeply")]
    finally:
        loader.dispose()
    if root is None:
        return None, [Problem(Position(file), "the file is empty")]
    return root, []


def _yaml_hint(text: str, where: Position) -> str:
    lines = text.splitlines()
    line = lines[where.line - 1] if where.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "YAML is indented with spaces, not with tabs."
    return ""


def _unreadable(text: str, file: str, error: yaml.YAMLError) -> Problem:
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if not character.isprintable() and character not in "\t\r\u0085\ufeff":
                return Problem(Position(file, number, column), f"character U+{ord(character):04X} is not allowed in YAML")
    return Problem(Position(file), f"not valid YAML: {error}")


class _Builder:
    """Turns a node graph into plain data, marks every member and collects problems."""

    def __init__(self, file_index: int, marks: Marks) -> None:
        self.problems: list[Problem] = []
        self._file = file_index
        self._marks = marks
        self._done: dict[int, tuple[Any, int]] = {}
        self._open: set[int] = set()
        self._nodes = 0
        self._expanded = 0

    def build(self, node: yaml.Node, depth: int) -> Any:
        """Plain data of a node: dict, list, str, int, float, bool or None."""
        if type(node) is yaml.ScalarNode:
            self._nodes += 1
            self._expanded += 1
            return self._scalar(node)
        known = self._done.get(id(node))
        if known is not None:
            self._expanded += known[1]
            if self._expanded > MAX_ALIAS_GROWTH * self._nodes + 10_000:
                self._stop(node, "aliases make the file more than ten times as large", "Write the values out.")
            return known[0]
        if id(node) in self._open or depth > MAX_DEPTH:
            self._stop(node, "an alias contains itself" if id(node) in self._open else "the file is nested too deeply")
            return None
        self._open.add(id(node))
        before = self._expanded
        self._nodes += 1
        self._expanded += 1
        data = self._mapping(node, depth) if isinstance(node, yaml.MappingNode) else self._sequence(node, depth)
        self._open.discard(id(node))
        self._done[id(node)] = (data, self._expanded - before)
        return data

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        where: dict[str, Any] = {}
        inherited: list[dict[str, Any]] = []
        if node.tag != _MAP:
            self._problem(node, f"unknown tag {node.tag}", "Registries are plain YAML.")
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                inherited.extend(self._merged(value_node, depth))
                continue
            key = self._key(key_node)
            if key is None:
                continue
            if key in data:
                first = self._marks.position(where[key][0])
                self._problem(key_node, f'duplicate key "{key}"', f"It stands at line {first.line} already.")
                continue
            start, value = key_node.start_mark, value_node.start_mark
            data[key] = self.build(value_node, depth + 1)
            where[key] = ((self._file, start.line, start.column), (self._file, value.line, value.column))
        for base in inherited:
            for key in base.keys() - data.keys():
                data[key] = base[key]
                where[key] = self._marks.members[id(base)][key]
        self._marks.members[id(data)] = where
        return data

    def _merged(self, node: yaml.Node, depth: int) -> list[dict[str, Any]]:
        bases = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(base, yaml.MappingNode) for base in bases):
            self._problem(node, "`<<` merges mappings only")
            return []
        return [data for base in bases if isinstance(data := self.build(base, depth + 1), dict)]

    def _key(self, node: yaml.Node) -> str | None:
        if isinstance(node, yaml.ScalarNode) and (node.tag == _STR or node.tag == _BOOL):
            return str(node.value)
        self._problem(node, "a key must be text", "Put it in quotes." if isinstance(node, yaml.ScalarNode) else "")
        return None

    def _sequence(self, node: yaml.Node, depth: int) -> list[Any]:
        if node.tag != _SEQ:
            self._problem(node, f"unknown tag {node.tag}", "Registries are plain YAML.")
        data = [self.build(item, depth + 1) for item in node.value]
        self._marks.members[id(data)] = [
            (self._file, item.start_mark.line, item.start_mark.column) for item in node.value
        ]
        return data

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        tag, text = node.tag, node.value
        if tag == _STR or tag == _DATE:
            return text
        if tag == _NULL:
            return None
        if tag == _BOOL and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        if tag == _INT and _INTEGER.match(text) and len(text) < 19:
            return int(text)
        if tag == _FLOATING and _FLOAT.match(text) and len(text) < 60:
            return float(text)
        if tag in {_BOOL, _INT, _FLOATING, _VALUE, _MERGE}:
            kind = tag.rpartition(":")[2]
            hint = 'Write true or false, or put text in quotes.' if kind == "bool" else "Put it in quotes if it is text."
            self._problem(node, f"YAML reads {describe(text)} as a special {kind}", hint)
        else:
            self._problem(node, f"unknown tag {tag}", "Registries are plain YAML.")
        return text

    def _stop(self, node: yaml.Node, what: str, hint: str = "") -> None:
        if not self.problems:
            self._problem(node, what, hint)

    def _problem(self, node: yaml.Node, what: str, hint: str = "") -> None:
        where = self._marks.position((self._file, node.start_mark.line, node.start_mark.column))
        self.problems.append(Problem(where, what, hint))
