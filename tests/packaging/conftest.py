# SPDX-License-Identifier: Apache-2.0
"""What is built once for all tests of a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packaging.building import build, export


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files of the work tree, and nothing else."""
    return export(tmp_path_factory.mktemp("source") / "nexus-ansible")


@pytest.fixture(scope="session")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source tree."""
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution."""
    return build("sdist", source, tmp_path_factory.mktemp("sdist"))
