# SPDX-License-Identifier: Apache-2.0
"""A running nginx: its master process, the workers, and how it loads a configuration ("Controlling nginx").

On HUP the master starts new workers and asks the old ones to leave: those take no more connections, close the ones
without a request, and end when their last request has. They say so in their titles.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import AdapterError, UnreachableError
from ..files import read_text
from ..processes import all_processes, command_line, read_process

if TYPE_CHECKING:
    from pathlib import Path

POLL_S = 0.02
RELOAD_LIMIT_S = 30.0
WORKING = "nginx: worker process"
LEAVING = "nginx: worker process is shutting down"


@dataclass(frozen=True)
class NginxProcess:
    """The master process of one nginx."""

    pid: int

    def leaving_workers(self) -> list[int]:
        """Return the workers that are there for the requests they have, not for new ones."""
        return [pid for pid, title in self._titles().items() if title == LEAVING]

    def load_configuration(self) -> None:
        """Have nginx load its configuration, and wait until only workers that did take connections.

        Raises AdapterError when nginx goes on with the old one.
        """
        old = set(self._titles())
        self._hang_up()
        end = time.monotonic() + RELOAD_LIMIT_S
        while not self._replaced(old):
            if time.monotonic() > end:
                raise AdapterError(
                    f"nginx (process {self.pid}) does not load its configuration within {RELOAD_LIMIT_S:g} s. "
                    "Look at nginx's log."
                )
            time.sleep(POLL_S)

    def _replaced(self, old: set[int]) -> bool:
        titles = self._titles()
        working = {pid for pid, title in titles.items() if title == WORKING}
        return bool(working - old) and all(titles.get(pid, LEAVING) == LEAVING for pid in old)

    def _hang_up(self) -> None:
        try:
            os.kill(self.pid, signal.SIGHUP)
        except OSError as error:
            raise AdapterError(
                f"nginx (process {self.pid}) cannot be told to load its configuration: {error.strerror}. "
                "Work as the user that runs it, or as root."
            ) from error

    def _titles(self) -> dict[int, str]:
        children = [process.pid for process in all_processes() if process.parent == self.pid and process.state != "Z"]
        return {pid: "".join(command_line(pid)[:1]) for pid in children}


def running_nginx(pid_file: Path) -> NginxProcess:
    """Return the nginx that wrote `pid_file`; raise UnreachableError when it does not run."""
    text = (read_text(pid_file) or "").strip()
    if not text.isdigit() or read_process(int(text)) is None:
        raise UnreachableError(f"nginx does not run: {pid_file} names no process. Start nginx.")
    return NginxProcess(int(text))
