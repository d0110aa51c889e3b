# SPDX-License-Identifier: Apache-2.0
"""Projects that several tests begin with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.command import nexus, small_project
from tests.faults.mounts import Mounts, own_mounts


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project, compiled and never run: a pattern to copy."""
    root = small_project(tmp_path_factory.mktemp("pattern") / "project")
    assert nexus(root, "compile").returncode == 0
    return root


@pytest.fixture
def project(compiled: Path, tmp_path: Path) -> Path:
    """A small project of the test's own."""
    return Path(shutil.copytree(compiled, tmp_path / "project"))


@pytest.fixture(scope="module")
def used(compiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small project with one run in its ledger, for commands that change nothing."""
    root = Path(shutil.copytree(compiled, tmp_path_factory.mktemp("used") / "project"))
    assert nexus(root, "run", "chores.daily").returncode == 0
    return root


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """A mount namespace of the test's own."""
    with own_mounts() as found:
        yield found
