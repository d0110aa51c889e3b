# SPDX-License-Identifier: Apache-2.0
"""Process supervision: one adapter per file, one entry here."""

from __future__ import annotations

from .base import Supervision, UnitState, UnitStatus
from .supervisor import SupervisorSupervision
from .systemd import SystemdSupervision

__all__ = ["SUPERVISIONS", "Supervision", "UnitState", "UnitStatus"]

SUPERVISIONS: dict[str, type[Supervision]] = {
    "supervisor": SupervisorSupervision,
    "systemd": SystemdSupervision,
}
