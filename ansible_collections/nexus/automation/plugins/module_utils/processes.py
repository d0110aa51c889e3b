# SPDX-License-Identifier: Apache-2.0
"""What Linux tells about processes in /proc, and how they are ended (proc(5))."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

POLL_S = 0.05
KILL_LIMIT_S = 10.0

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process; `started` (clock ticks after boot) tells it from a later one with the same id."""

    pid: int
    parent: int
    state: str
    started: int
    cpu_seconds: float

    @property
    def alive(self) -> bool:
        """Whether this very process still runs: a zombie does not."""
        now = read_process(self.pid)
        return now is not None and now.started == self.started and now.state not in {"Z", "X"}


def read_process(pid: int) -> Process | None:
    """Return the process `pid`, or None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command's name stands in parentheses and may itself contain spaces and parentheses.
    fields = text[text.rindex(")") + 2 :].split()
    ticks = os.sysconf("SC_CLK_TCK")
    cpu_seconds = (int(fields[11]) + int(fields[12])) / ticks
    return Process(pid, int(fields[1]), fields[0], int(fields[19]), cpu_seconds)


def resident_bytes(pid: int) -> int | None:
    """Return the memory the process holds in RAM, or None when there is no such process."""
    try:
        statm = (PROC / str(pid) / "statm").read_text(encoding="ascii")
    except OSError:
        return None
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")


def process_name(pid: int) -> str:
    """Return the name of the process's program as the kernel has it, or `unknown`."""
    try:
        return (PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "unknown"


def command_line(pid: int) -> list[str]:
    """Return the words the process was started with; none when it cannot be seen."""
    return [word.decode("utf-8", errors="replace") for word in _words(pid, "cmdline")][:-1]


def all_processes() -> Iterator[Process]:
    """Yield every process of the machine that can be seen."""
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            process = read_process(int(entry.name))
            if process is not None:
                yield process


def family(pids: Iterable[int]) -> list[Process]:
    """Return the processes `pids` and all their descendants."""
    everyone = list(all_processes())
    wanted = set(pids)
    size = 0
    while len(wanted) > size:
        size = len(wanted)
        wanted |= {process.pid for process in everyone if process.parent in wanted}
    return [process for process in everyone if process.pid in wanted]


def with_environment(name: str, value: str) -> list[Process]:
    """Return the processes whose environment at their start had `name` set to `value`, as far as it may be read."""
    wanted = f"{name}={value}".encode()
    return [process for process in all_processes() if wanted in _words(process.pid, "environ")]


def wait_until_gone(processes: Iterable[Process], limit_s: float) -> list[Process]:
    """Wait at most `limit_s` seconds for `processes` to end; return those that did not."""
    end = time.monotonic() + limit_s
    left = [process for process in processes if process.alive]
    while left and time.monotonic() < end:
        time.sleep(POLL_S)
        left = [process for process in left if process.alive]
    return left


def end_processes(processes: Iterable[Process], limit_s: float) -> list[Process]:
    """Ask `processes` to end, kill what still runs after `limit_s` seconds, and return what even that left."""
    asked = list(processes)
    _signal(asked, signal.SIGTERM)
    left = wait_until_gone(asked, limit_s)
    _signal(left, signal.SIGKILL)
    return wait_until_gone(left, KILL_LIMIT_S)


def _words(pid: int, name: str) -> list[bytes]:
    try:
        return (PROC / str(pid) / name).read_bytes().split(b"\0")
    except OSError:
        return []


def _signal(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        if process.alive:
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                continue
