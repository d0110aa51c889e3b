# SPDX-License-Identifier: Apache-2.0
"""What supervision tells of the instances of one environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UnreachableError
from ..supervision import UnitState, UnitStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..supervision import Supervision


def ask(supervision: Supervision, units: Sequence[str]) -> dict[str, UnitStatus] | None:
    """The status of each unit; None when the supervision does not run."""
    try:
        return supervision.statuses(units)
    except UnreachableError:
        return None


def unsupervised(units: Sequence[str]) -> Mapping[str, UnitStatus]:
    """The status of units whose supervision does not run: none of them does."""
    return {unit: UnitStatus(unit, UnitState.STOPPED, "nothing supervises it") for unit in units}
