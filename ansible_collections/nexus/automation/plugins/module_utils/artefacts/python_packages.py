# SPDX-License-Identifier: Apache-2.0
"""Installs a Python project and its hash-pinned dependencies into a folder that is the same wherever it is made."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import AdapterError
from .python_target import QUERY, PythonTarget, parse_target
from .source_tree import BUILD_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIP_LIMIT_S = 900
QUERY_LIMIT_S = 30
SHOWN_LINES = 20

# Written by pip for itself: paths, the order of installation, and digests of files that change below.
PIP_RECORDS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


@dataclass(frozen=True)
class Interpreter:
    """A Python with pip, and the Python that packages are installed for; `target` is None when that is itself."""

    path: str
    own: PythonTarget
    target: PythonTarget | None = None


def describe_interpreter(path: str, target: PythonTarget | None = None) -> Interpreter:
    """Ask the interpreter at `path` what it is, and whether what it installs for itself suits `target`.

    Raises AdapterError when it does not answer.
    """
    command = [path, "-c", QUERY]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=QUERY_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise AdapterError(f"interpreter {path} does not work: {error}. Name another with `interpreter`.") from error
    own = parse_target(done.stdout)
    return Interpreter(path, own, None if target is None or own.serves(target) else target)


def project_version(source: Path) -> str:
    """Return the version in the `[project]` table of `source`/pyproject.toml.

    Raises AdapterError when there is none: a version that is computed at build time has to be given.
    """
    path = source / "pyproject.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AdapterError(f"{path} cannot be read: {error.strerror}. Give `version`.") from error
    table = re.search(r"^\[project\]\s*$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    found = re.search(r"""^version\s*=\s*["']([^"']+)["']""", table.group(1), re.MULTILINE) if table else None
    if found is None:
        raise AdapterError(f"{path} has no `version` under [project]. Give `version`.")
    return found.group(1)


def install_packages(source: Path, lock: Path, interpreter: Interpreter, target: Path) -> None:
    """Install the project in `source` and what `lock` pins into `target`, which becomes a folder for PYTHONPATH.

    Dependencies are wheels only, checked by their hashes: nothing of theirs is run. Raises AdapterError with the end
    of pip's output.
    """
    target.mkdir()
    if _pins(lock):
        options = interpreter.target.pip_options() if interpreter.target else []
        chosen = _chosen_pins(lock, interpreter.target)
        _pip(interpreter, target, ["--require-hashes", "--only-binary=:all:", *options, "--requirement", str(chosen)])
    _pip(interpreter, target, [str(source)])
    _normalise(target)


def _pins(lock: Path) -> bool:
    lines = lock.read_text(encoding="utf-8").splitlines()
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def _chosen_pins(lock: Path, target: PythonTarget | None) -> Path:
    if target is None:
        return lock
    chosen = lock.with_name(f".{lock.name}.chosen")
    chosen.write_text(target.chosen(lock.read_text(encoding="utf-8")), encoding="utf-8")
    return chosen


def _pip(interpreter: Interpreter, target: Path, what: list[str]) -> None:
    options = ["--no-deps", "--no-compile", "--no-warn-script-location", "--disable-pip-version-check", "--no-input"]
    command = [interpreter.path, "-m", "pip", "install", *options, "--target", str(target), "--upgrade", *what]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "SOURCE_DATE_EPOCH": str(BUILD_TIME)}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            timeout=PIP_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AdapterError(f"pip did not end: {error}.") from error
    if done.returncode != 0:
        shown = "\n".join(done.stdout.splitlines()[-SHOWN_LINES:])
        raise AdapterError(f"`pip install {' '.join(what)}` failed with {done.returncode}; its last lines:\n{shown}")


def _normalise(target: Path) -> None:
    for cache in list(target.rglob("__pycache__")):
        shutil.rmtree(cache)
    for information in target.glob("*.dist-info"):
        for name in PIP_RECORDS:
            (information / name).unlink(missing_ok=True)
        _forget_generator(information / "WHEEL")
    for script in list(_scripts(target / "bin")):
        script.unlink()


def _forget_generator(path: Path) -> None:
    # The build backend's version does not change what was built, but would change the archive.
    if path.exists():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("Generator:")), encoding="utf-8")


def _scripts(folder: Path) -> Iterator[Path]:
    # Start scripts name the interpreter they were installed for; `python -m` works from any place.
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_file() and path.read_bytes()[:2] == b"#!":
                yield path
