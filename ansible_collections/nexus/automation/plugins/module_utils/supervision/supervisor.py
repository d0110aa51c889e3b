# SPDX-License-Identifier: Apache-2.0
"""Supervision by supervisord."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from ..files import tail
from ..processes import end_processes, family, wait_until_gone
from .base import UnitState, UnitStatus
from .supervisord_client import SupervisordClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

POLL_S = 0.1

STATES: dict[str, UnitState] = {
    "STOPPED": UnitState.STOPPED,
    "STARTING": UnitState.STARTING,
    "RUNNING": UnitState.RUNNING,
    "BACKOFF": UnitState.STARTING,  # it ended too early and will be tried again
    "STOPPING": UnitState.STOPPING,
    "EXITED": UnitState.STOPPED,
    "FATAL": UnitState.FAILED,
    "UNKNOWN": UnitState.FAILED,
}


class SupervisorSupervision:
    """Units are the programs of one supervisord, each in the group of its own name."""

    def __init__(self, client: SupervisordClient) -> None:
        self._client = client

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> SupervisorSupervision:
        """Make one from the option `socket`."""
        if not options.get("socket"):
            raise AdapterError("supervision by supervisor needs the path of supervisord's socket: set `socket`.")
        return cls(SupervisordClient(options["socket"]))

    def status(self, name: str) -> UnitStatus:
        """Return the program's status."""
        return _status(name, self._client.process_info(name))

    def statuses(self, names: Sequence[str]) -> dict[str, UnitStatus]:
        """Return the status of each program."""
        known = {info["name"]: info for info in self._client.all_process_info()}
        return {name: _status(name, known.get(name)) for name in names}

    def start(self, name: str, limit_s: float) -> None:
        """Start the program and wait until supervisord counts it as running."""
        self._client.start_process(name)
        status = self._wait(name, limit_s, lambda state: state not in {UnitState.STARTING, UnitState.STOPPING})
        if status.state is not UnitState.RUNNING:
            raise AdapterError(self._failure(status, limit_s))

    def stop(self, name: str, limit_s: float) -> None:
        """Stop the program and wait for its processes; what outlives it longer than `limit_s` seconds is killed."""
        self.stop_all([name], limit_s)

    def stop_all(self, names: Sequence[str], limit_s: float) -> None:
        """Stop the programs at the same time and wait for their processes, as `stop` does for one."""
        processes = family([pid for name in names for pid in self.pids(name)])
        for name in names:
            self._client.stop_process(name)
        ended = {UnitState.STOPPED, UnitState.FAILED, UnitState.ABSENT}
        for name in names:
            status = self._wait(name, limit_s, ended.__contains__)
            if status.state not in ended:
                raise AdapterError(f"{name} did not stop within {limit_s:g} s: {status.detail}. Allow it more time.")
        end_processes(wait_until_gone(processes, POLL_S), limit_s)

    def restart(self, name: str, limit_s: float) -> None:
        """Stop and start the program."""
        self.stop(name, limit_s)
        self.start(name, limit_s)

    def pids(self, name: str) -> list[int]:
        """Return the program's process and its descendants."""
        main = self.status(name).pid
        if main is None:
            return []
        return [main, *sorted(process.pid for process in family([main]) if process.pid != main)]

    def log_tail(self, name: str) -> str:
        """Return the last lines of the program's log."""
        log = self.status(name).log
        return tail(Path(log)) if log else ""

    def _wait(self, name: str, limit_s: float, done: Callable[[UnitState], bool]) -> UnitStatus:
        end = time.monotonic() + limit_s
        status = self.status(name)
        while not done(status.state) and time.monotonic() < end:
            time.sleep(POLL_S)
            status = self.status(name)
        return status

    def _failure(self, status: UnitStatus, limit_s: float) -> str:
        message = f"{status.name} does not run ({status.detail}) after at most {limit_s:g} s."
        shown = tail(Path(status.log)) if status.log else ""
        return f"{message} The end of {status.log}:\n{shown}" if shown else f"{message} It wrote no log."


def _status(name: str, info: Mapping[str, Any] | None) -> UnitStatus:
    if info is None:
        return UnitStatus(name, UnitState.ABSENT, "supervisord does not know it")
    detail = f"{info['statename']} {info['spawnerr'] or info['description']}".strip()
    uptime = max(0, info["now"] - info["start"]) if info["pid"] else None
    return UnitStatus(
        name, STATES[info["statename"]], detail, info["pid"] or None, info["stdout_logfile"] or None, uptime
    )
