# SPDX-License-Identifier: Apache-2.0
"""Read one YAML file strictly: every problem in it is told with its position."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from nexus_ansible.registries.compose import compose
from nexus_ansible.registries.document import Document, Marks
from nexus_ansible.registries.nodes import NodeReader
from nexus_ansible.registries.problems import Position, Problem, describe, position_after

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 8_000_000


def load(path: Path, marks: Marks, *, shown: str | None = None) -> tuple[Document | None, list[Problem]]:
    """Read one YAML file into a document whose marks are added to `marks`.

    `shown` is the file's name in messages (default: its path). Returns the document, or None when there is none to
    speak of, and every problem found.
    """
    file = shown or str(path)
    marks.files.append(file)
    text, problems = _read(path, file)
    if text is None:
        return None, problems
    enabled = gc.isenabled()
    gc.disable()  # nothing built here is garbage, and collecting costs more than parsing
    try:
        return _document(text, file, marks)
    finally:
        if enabled:
            gc.enable()


def _document(text: str, file: str, marks: Marks) -> tuple[Document | None, list[Problem]]:
    root, problems = compose(text, file)
    if root is None:
        return None, problems
    reader = NodeReader(len(marks.files) - 1, marks)
    data = reader.read(root)
    if reader.problems:
        return None, reader.problems
    if not isinstance(data, dict):
        return None, [Problem(Position(file), f"expected a mapping, found {describe(data)}")]
    marks.roots.append(data)
    return Document(file, data, marks), []


def _read(path: Path, file: str) -> tuple[str | None, list[Problem]]:
    where = Position(file)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            what = f"the file has {size:,} bytes; a registry may have {MAX_BYTES:,}"
            return None, [Problem(where, what, "Check what was written to it.")]
        data = path.read_bytes()
    except FileNotFoundError:
        return None, [Problem(where, "the file is missing", "`nexus-ansible init DIR` writes an example of it.")]
    except OSError as error:
        return None, [Problem(where, f"the file cannot be read: {error.strerror}")]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{data[error.start]:02X} is not UTF-8 text"
        where = position_after(file, data[: error.start].decode("utf-8"))
        return None, [Problem(where, found, "Save the file as UTF-8.")]
    if not text.strip("\ufeff \t\r\n"):
        return None, [Problem(where, "the file is empty")]
    return text, []
