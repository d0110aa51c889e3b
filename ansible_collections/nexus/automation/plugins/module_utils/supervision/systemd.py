# SPDX-License-Identifier: Apache-2.0
"""Supervision by systemd, of the system or of the user."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from ..processes import family
from .base import UnitState, UnitStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUERY_LIMIT_S = 30.0
LOG_LINES = 20

PROPERTIES = ("LoadState", "ActiveState", "SubState", "Result", "MainPID", "ExecMainStartTimestampMonotonic")
STATES: dict[str, UnitState] = {
    "active": UnitState.RUNNING,
    "reloading": UnitState.RUNNING,
    "activating": UnitState.STARTING,
    "deactivating": UnitState.STOPPING,
    "inactive": UnitState.STOPPED,
    "failed": UnitState.FAILED,
}


class SystemdSupervision:
    """Units are systemd's own; a name without a suffix is a service."""

    def __init__(self, scope: str) -> None:
        self._scope = f"--{scope}"
        self._environment = {**os.environ}
        if scope == "user":  # systemctl finds the user's systemd by it, and only a login sets it
            self._environment.setdefault("XDG_RUNTIME_DIR", f"/run/user/{os.geteuid()}")

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> SystemdSupervision:
        """Make one from the option `scope` (`system` or `user`)."""
        return cls(options.get("scope") or "system")

    def status(self, name: str) -> UnitStatus:
        """Return the unit's status as `systemctl show` tells it."""
        return self.statuses([name])[name]

    def statuses(self, names: Sequence[str]) -> dict[str, UnitStatus]:
        """Return the status of each unit; without names, systemctl would tell of the daemon itself."""
        if not names:
            return {}
        wanted = f"--property={','.join(PROPERTIES)}"
        shown = self._run("show", wanted, "--", *names).strip().split("\n\n")
        return {name: _status(name, block) for name, block in zip(names, shown, strict=True)}

    def start(self, name: str, limit_s: float) -> None:
        """Start the unit; systemctl waits until it is active."""
        self._act("start", name, limit_s)

    def stop(self, name: str, limit_s: float) -> None:
        """Stop the unit; systemctl waits until its processes are gone."""
        self._act("stop", name, limit_s)

    def restart(self, name: str, limit_s: float) -> None:
        """Stop and start the unit."""
        self._act("restart", name, limit_s)

    def pids(self, name: str) -> list[int]:
        """Return the unit's main process and its descendants."""
        main = self.status(name).pid
        if main is None:
            return []
        return [main, *sorted(process.pid for process in family([main]) if process.pid != main)]

    def log_tail(self, name: str) -> str:
        """Return the unit's last lines in the journal."""
        unit = "--user-unit" if self._scope == "--user" else "--unit"
        command = ["journalctl", "--no-pager", f"--lines={LOG_LINES}", "--output=cat", f"{unit}={name}"]
        try:
            done = subprocess.run(
                command, capture_output=True, env=self._environment, text=True, timeout=QUERY_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip()

    def _act(self, verb: str, name: str, limit_s: float) -> None:
        try:
            self._run(verb, "--", name, limit_s=limit_s)
        except AdapterError as error:
            shown = self.log_tail(name)
            raise AdapterError(f"{error} The end of its journal:\n{shown}" if shown else str(error)) from error

    def _run(self, *arguments: str, limit_s: float = QUERY_LIMIT_S) -> str:
        command = ["systemctl", self._scope, "--no-pager", *arguments]
        shown = " ".join(command)
        try:
            done = subprocess.run(
                command, capture_output=True, env=self._environment, text=True, timeout=limit_s, check=True
            )
        except FileNotFoundError as error:
            raise AdapterError(
                "systemctl is missing: this host has no systemd. Use supervision: supervisor."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise AdapterError(f"`{shown}` did not end within {limit_s:g} s. Allow it more time.") from error
        except subprocess.CalledProcessError as error:
            raise AdapterError(f"`{shown}` failed: {error.stderr.strip().rstrip('.') or error}.") from error
        return done.stdout


def _status(name: str, shown: str) -> UnitStatus:
    properties = dict(line.split("=", 1) for line in shown.splitlines())
    if properties["LoadState"] == "not-found":
        return UnitStatus(name, UnitState.ABSENT, "systemd does not know it")
    detail = f"{properties['ActiveState']} ({properties['SubState']}, result {properties['Result']})"
    state = STATES.get(properties["ActiveState"], UnitState.FAILED)
    pid = int(properties["MainPID"]) or None
    started = int(properties["ExecMainStartTimestampMonotonic"] or 0) / 1_000_000
    uptime = max(0, int(time.monotonic() - started)) if pid and started else None
    return UnitStatus(name, state, detail, pid, uptime=uptime)
