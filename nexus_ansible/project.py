# SPDX-License-Identifier: Apache-2.0
"""A project on disk: where the registries, the compiled files and the state are."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_ansible.errors import RefusedError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SSOT = "config/ssot"


@dataclass(frozen=True)
class Project:
    """A directory that holds `config/ssot`."""

    root: Path

    @property
    def ssot(self) -> Path:
        """Directory of the five registries."""
        return self.root / SSOT

    @property
    def state(self) -> Path:
        """Directory of everything that is not committed: the platform's files, runs, secrets, the ledger."""
        return self.root / ".nexus"

    def make_state(self) -> None:
        """Make the state directory, readable by its owner only. Raises RefusedError."""
        with refusing(self.state):
            self.state.mkdir(mode=0o700, exist_ok=True)

    @property
    def ledger(self) -> Path:
        """Directory of the ledger: the one that the environment variable NEXUS_LEDGER_DIR names, if it does."""
        return self.root / os.environ.get("NEXUS_LEDGER_DIR", ".nexus/ledger")

    @property
    def runs(self) -> Path:
        """Directory of the state of runs, one entry each."""
        return self.state / "runs"


@contextmanager
def refusing(where: Path) -> Iterator[None]:
    """Turn an OSError about the project's state, met before a run begins, into a RefusedError that names the file."""
    try:
        yield
    except OSError as error:
        raise RefusedError(
            f"{error.filename or where}: {error.strerror}. Nothing was touched.\n"
            "  Make room, or have the owner of the project make it writable for you; then try again."
        ) from error


def find_project(start: Path) -> Project:
    """The project that `start` lies in: the closest directory with a `config/ssot`.

    Raises RegistryError when there is none.
    """
    for directory in (start, *start.parents):
        if (directory / SSOT).is_dir():
            return Project(directory)
    raise RegistryError(
        f"{start}: no {SSOT} here or above.\n"
        "  Change to a project, name one with --project, or make one: nexus-ansible init DIR"
    )
