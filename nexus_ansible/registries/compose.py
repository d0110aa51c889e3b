# SPDX-License-Identifier: Apache-2.0
"""YAML text to a graph of nodes, with libyaml; what is not YAML becomes a problem with its position."""

from __future__ import annotations

import yaml
from yaml.reader import ReaderError

from nexus_ansible.registries.problems import Position, Problem, position_after

MAX_DEPTH = 60
"""Levels of nesting. libyaml's own limit is the stack of the process: 30,000 open brackets end it with a signal."""


def compose(text: str, file: str) -> tuple[yaml.Node | None, list[Problem]]:
    """The root node of a text, or None and what is wrong with it."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        return None, [_not_yaml(text, file, error)]
    except ReaderError as error:
        return None, [_not_allowed(text, file, error)]
    except yaml.YAMLError as error:
        return None, [Problem(Position(file), f"not valid YAML: {error}")]
    finally:
        loader.dispose()
    if root is None:
        return None, [Problem(Position(file), "the file is empty")]
    return root, []


class _TooDeepError(yaml.MarkedYAMLError):
    """The file has more than MAX_DEPTH levels."""


class _Loader(yaml.CSafeLoader):
    """libyaml's loader, which stops before it nests too deeply."""

    depth = 0

    def descend_resolver(self, current_node: yaml.Node, current_index: object) -> None:  # noqa: ARG002
        """Called by the composer as it enters a node. Raises _TooDeepError."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError(problem_mark=current_node.start_mark)

    def ascend_resolver(self) -> None:
        """Called by the composer as it leaves a node."""
        self.depth -= 1


def _not_yaml(text: str, file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    end = position_after(file, text)  # libyaml puts the end of a file on a line of its own
    where = min(Position(file, mark.line + 1, mark.column + 1), end) if mark else Position(file)
    if isinstance(error, _TooDeepError):
        return Problem(where, f"the file has more than {MAX_DEPTH} levels of nesting", "Close what is open.")
    what = error.problem or error.context or "not readable"
    if what == "but found another document":
        return Problem(where, "a second document begins here", "A registry is one document: remove the ---.")
    return Problem(where, f"not valid YAML: {what}", _hint(text, where))


def _hint(text: str, where: Position) -> str:
    lines = text.splitlines()
    line = lines[where.line - 1] if where.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "YAML is indented with spaces, not with tabs."
    return ""


def _not_allowed(text: str, file: str, error: ReaderError) -> Problem:
    before = text.encode()[: error.position].decode(errors="replace")
    where = position_after(file, before)
    return Problem(where, f"character U+{ord(text[len(before)]):04X} is not allowed in YAML", "Remove it.")
