# SPDX-License-Identifier: Apache-2.0
"""Programs that must be there and executable."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class ProgramNeed:
    """A program, by its name in PATH or its path, that `needed_by` starts; `install` says how to get it."""

    name: str
    needed_by: str
    install: str | None = None


def check_programs(needs: Sequence[ProgramNeed]) -> list[str]:
    """Say which programs are missing or not executable."""
    return [_problem(need) for need in needs if shutil.which(need.name) is None]


def _problem(need: ProgramNeed) -> str:
    wanted = f"{need.needed_by} needs it"
    if "/" not in need.name:
        return f"program {need.name} is not in PATH; {wanted}. {need.install or 'Install it.'}"
    if not Path(need.name).exists():
        return f"program {need.name} does not exist; {wanted}. {need.install or 'Install it.'}"
    return f"program {need.name} is not executable; {wanted}. Change its mode."
