# SPDX-License-Identifier: Apache-2.0
"""Process supervision: one adapter per file, one entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base import Supervision, UnitState, UnitStatus
from .supervisor import SupervisorSupervision
from .systemd import SystemdSupervision

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SUPERVISIONS", "SUPERVISION_SPEC", "Supervision", "UnitState", "UnitStatus", "make_supervision"]

SUPERVISIONS: dict[str, type[Supervision]] = {
    "supervisor": SupervisorSupervision,
    "systemd": SystemdSupervision,
}

SUPERVISION_SPEC: dict[str, Any] = {
    "supervision": {"type": "str", "default": "supervisor", "choices": list(SUPERVISIONS)},
    "socket": {"type": "path"},
    "scope": {"type": "str", "default": "system", "choices": ["system", "user"]},
}


def make_supervision(parameters: Mapping[str, Any]) -> Supervision:
    """Make the supervision a module's parameters (SUPERVISION_SPEC) ask for; raise AdapterError when one is missing."""
    return SUPERVISIONS[parameters["supervision"]].from_options(parameters)
