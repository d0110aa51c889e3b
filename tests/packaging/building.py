# SPDX-License-Identifier: Apache-2.0
"""Packages built from what is committed or about to be, as a clean checkout would hold it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LIMIT_S = 1200
PIP_TO_UV = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}


def export(directory: Path) -> Path:
    """Copy every tracked file of the work tree, links as links, and nothing else; return the copy."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    for name in listed.stdout.split("\0"):
        source, target = REPOSITORY / name, directory / name
        if name and (source.is_symlink() or source.exists()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return directory


def build(kind: str, source: Path, directory: Path) -> Path:
    """Build a `wheel` or an `sdist` of a source tree or sdist into an empty directory; return the file."""
    uv("build", f"--{kind}", "--out-dir", str(directory), str(source))
    (built,) = (path for path in directory.iterdir() if path.name != ".gitignore")
    return built


def make_environment(directory: Path, python: Path, *requirements: str) -> Path:
    """Make a virtual environment with the requirements (words of `uv pip install`) in it; return its `bin`."""
    uv("venv", "--python", str(python), str(directory))
    uv("pip", "install", "--python", str(directory), *requirements)
    return directory / "bin"


def uv(*arguments: str) -> None:
    """Run uv; AssertionError with its output when it fails."""
    environment = {**os.environ, **_as_pip_does()}
    environment.pop("VIRTUAL_ENV", None)
    run([sys.executable, "-m", "uv", "--quiet", *arguments], REPOSITORY, environment)


def run(
    argv: list[str], directory: Path, environment: Mapping[str, str], expect: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run a program in a directory with exactly this environment; it must end with the code expected."""
    done = subprocess.run(
        argv,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == expect, f"{argv}: {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done


@cache
def _as_pip_does() -> dict[str, str]:
    """Settings of uv for the index and the authorities that pip is told to use on this machine."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True)
    pairs = (line.partition("=") for line in told.stdout.splitlines())
    found = {name.rpartition(".")[2]: str(ast.literal_eval(value)) for name, _, value in pairs if value}
    return {theirs: found[ours] for ours, theirs in PIP_TO_UV.items() if ours in found}
