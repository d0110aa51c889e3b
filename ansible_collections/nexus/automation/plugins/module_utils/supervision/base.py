# SPDX-License-Identifier: Apache-2.0
"""What every kind of process supervision can do with a unit: one program it keeps running."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class UnitState(Enum):
    """A unit's state in words that fit every kind of supervision."""

    ABSENT = "absent"
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True)
class UnitStatus:
    """A unit's state; `detail` is the supervision's own wording, `log` the file the unit writes to, if any.

    `uptime` is how long its process has run, in whole seconds.
    """

    name: str
    state: UnitState
    detail: str
    pid: int | None = None
    log: str | None = None
    uptime: int | None = None


class Supervision(Protocol):
    """Starts, stops and describes units. Every method raises AdapterError when the supervision does not answer."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Supervision:
        """Make one from the options `socket` and `scope` of a module."""
        ...

    def status(self, name: str) -> UnitStatus:
        """Return the unit's status; an unknown unit is ABSENT."""
        ...

    def statuses(self, names: Sequence[str]) -> dict[str, UnitStatus]:
        """Return the status of each unit, with one question for all of them."""
        ...

    def start(self, name: str, limit_s: float) -> None:
        """Start the unit and wait until it runs; raise AdapterError with the end of its log when it does not."""
        ...

    def stop(self, name: str, limit_s: float) -> None:
        """Stop the unit and wait until none of its processes is left."""
        ...

    def restart(self, name: str, limit_s: float) -> None:
        """Stop and start the unit."""
        ...

    def pids(self, name: str) -> list[int]:
        """Return the ids of all its processes, the main one first."""
        ...

    def log_tail(self, name: str) -> str:
        """Return the last lines it wrote, or an empty text."""
        ...
