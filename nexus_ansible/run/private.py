# SPDX-License-Identifier: Apache-2.0
"""The directory of a run's own, in memory where the system has such a place: arguments of modules pass through it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - directories made in it are their owner's alone


@contextmanager
def private_directory(run: str) -> Iterator[Path]:
    """Make it, and remove it at the end. Socket paths are limited to 107 bytes, so its own is short."""
    path = Path(tempfile.mkdtemp(prefix=_prefix(run), dir=_parent()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_private_directories(run: str) -> None:
    """Remove what a run left that could not do so itself."""
    for path in _parent().glob(f"{_prefix(run)}*"):
        if path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)


def _prefix(run: str) -> str:
    return f"nexus-run-{run}-"


def _parent() -> Path:
    return MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
