# SPDX-License-Identifier: Apache-2.0
"""Builds an artefact when its inputs changed, and only then."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AdapterError
from ..files import read_text, write_text
from .archive import write_archive
from .python_packages import Interpreter, describe_interpreter, install_packages
from .source_tree import Entry, copy_tree, file_digest, list_tree, tree_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .python_target import PythonTarget

FORMAT = 1  # another number builds everything anew: raise it when the same inputs shall give other bytes
KEY_LENGTH = 12
LOCK = "requirements.lock"


@dataclass(frozen=True)
class Recipe:
    """What an artefact is built from; `interpreter` only for Python projects."""

    name: str
    version: str
    source: Path
    ignore: Sequence[str]
    interpreter: Interpreter | None = None

    @property
    def kind(self) -> str:
        """What is done with the source."""
        return "files" if self.interpreter is None else "python"


@dataclass(frozen=True)
class Artefact:
    """A built artefact, or one to be built; `release_id` is the file's name without its suffix."""

    path: Path
    release_id: str

    @property
    def digest_file(self) -> Path:
        """The file beside it that holds its digest, in the format of sha256sum(1)."""
        return self.path.with_name(f"{self.path.name}.sha256")

    def digest(self) -> str | None:
        """Return its hex SHA-256, or None when it is missing or does not match its digest file."""
        recorded = read_text(self.digest_file)
        if recorded is None or not self.path.is_file():
            return None
        digest = file_digest(self.path)
        return digest if recorded.split()[:1] == [digest] else None


def make_recipe(
    name: str,
    version: str,
    source: Path,
    ignore: Sequence[str],
    interpreter: str | None,
    target: PythonTarget | None = None,
) -> Recipe:
    """Check what an artefact is to be built from; raise AdapterError that says what is wrong with it."""
    for what, text in (("name", name), ("version", version)):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", text):
            raise AdapterError(f"{what} {text!r}: use letters, digits and . _ + - only, because it is part of a path.")
    if not source.is_dir():
        raise AdapterError(f"source {source} is no directory.")
    if interpreter is None:
        return Recipe(name, version, source, ignore)
    if not (source / LOCK).is_file():
        raise AdapterError(
            f"{source / LOCK} is missing: a Python artefact needs its dependencies pinned with hashes. "
            f"Write it with `uv pip compile --universal --generate-hashes -o {LOCK} pyproject.toml`."
        )
    return Recipe(name, version, source, ignore, describe_interpreter(interpreter, target))


def locate_artefact(recipe: Recipe, dest: Path) -> Artefact:
    """Return where the artefact of `recipe` belongs below `dest`: its name holds a digest of all it is made of."""
    inputs = {
        "format": FORMAT,
        "kind": recipe.kind,
        "name": recipe.name,
        "version": recipe.version,
        "tree": tree_digest(list_tree(recipe.source, recipe.ignore)),
        "python": _python(recipe.interpreter) if recipe.interpreter else None,
    }
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:KEY_LENGTH]
    release_id = f"{recipe.name}-{recipe.version}-{key}"
    return Artefact(dest / recipe.name / f"{release_id}.tar.gz", release_id)


def _python(interpreter: Interpreter) -> list[str]:
    """An older glibc than that of the machine that builds may ask for other wheels."""
    own, target = interpreter.own, interpreter.target
    return [target.version, target.platform, target.glibc] if target else [own.version, own.platform]


def build_artefact(recipe: Recipe, artefact: Artefact) -> str:
    """Build `artefact` and return its hex SHA-256. Readers see the finished file or none."""
    artefact.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=artefact.path.parent) as workplace:
        unfinished = Path(workplace) / artefact.path.name
        write_archive(_content(recipe, Path(workplace)), unfinished)
        digest = file_digest(unfinished)
        artefact.digest_file.unlink(missing_ok=True)
        with unfinished.open("rb") as stream:
            os.fsync(stream.fileno())
        unfinished.replace(artefact.path)
    write_text(artefact.digest_file, f"{digest}  {artefact.path.name}\n", 0o644)
    return digest


def _content(recipe: Recipe, workplace: Path) -> list[Entry]:
    entries = list_tree(recipe.source, recipe.ignore)
    if recipe.interpreter is None:
        return entries
    source, staged = workplace / "source", workplace / "staged"
    copy_tree(entries, source)
    install_packages(source, source / LOCK, recipe.interpreter, staged)
    return list_tree(staged)
