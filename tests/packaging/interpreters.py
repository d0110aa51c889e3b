# SPDX-License-Identifier: Apache-2.0
"""The Pythons of this machine that nexus-ansible supports."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

SUPPORTED = ("3.11", "3.12", "3.13")
CURRENT = f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def interpreters() -> dict[str, tuple[Path, ...]]:
    """Programs by version, oldest first; the one that runs the tests is always among them."""
    found = {version: tuple(path for path in _candidates(version) if runs(path, version)) for version in SUPPORTED}
    return {version: paths for version, paths in found.items() if paths}


def runs(python: Path, version: str, before: Sequence[str] = ()) -> bool:
    """Whether a program is a Python of that version, when `before` (a command with its arguments) starts it.

    Who cannot read its libraries may end up with those of another Python, hence the look at the prefix.
    """
    told = "import sys; print('%d.%d' % sys.version_info[:2], sys.base_prefix)"
    try:
        done = subprocess.run(
            [*before, str(python), "-I", "-c", told], capture_output=True, text=True, timeout=60, check=False, cwd="/"
        )
    except OSError:
        return False
    found, _, prefix = done.stdout.strip().partition(" ")
    return done.returncode == 0 and found == version and python.resolve().is_relative_to(Path(prefix).resolve())


def _candidates(version: str) -> Iterator[Path]:
    if version == CURRENT:
        yield Path(getattr(sys, "_base_executable", sys.executable))
    for directory in os.environ["PATH"].split(os.pathsep):
        path = Path(directory, f"python{version}")
        if path.is_file() and not (path.parent.parent / "pyvenv.cfg").exists():
            yield path
    yield from sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python{version}"))
