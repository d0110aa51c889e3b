# SPDX-License-Identifier: Apache-2.0
"""Directories for Unix sockets, whose paths are limited to 107 bytes: pytest's own are longer."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """Make a directory with a short path and remove it after the block."""
    with tempfile.TemporaryDirectory(prefix="nx-") as directory:
        yield Path(directory)


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A directory for the Unix sockets of one test."""
    with short_directory() as directory:
        yield directory
