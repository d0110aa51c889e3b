# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.ledger import Ledger

from .samples import SIZE, ended, started, task

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep witnesses out of the home directory."""
    home = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    return home


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A place for a ledger that does not exist yet."""
    return tmp_path / "ledger"


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of three bundles to copy and spoil; its witness lies elsewhere and is not used."""
    place = tmp_path_factory.mktemp("pristine")
    ledger = Ledger.open(place / "ledger", witness=place / "witness")
    ledger.append([started(), *(task(number) for number in range(SIZE - 2)), ended()])
    return place / "ledger"


@pytest.fixture
def copy(pristine: Path, directory: Path) -> Path:
    shutil.copytree(pristine, directory)
    return directory
