# SPDX-License-Identifier: Apache-2.0
"""Whole processes measured by the kernel's own accounting, in turns with their peer, and what a table row is."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROUNDS = 5


@dataclass(frozen=True)
class Cost:
    """What one process and its children took: CPU and wall seconds, and the largest resident set in MB."""

    cpu: float
    wall: float
    rss_mb: float


@dataclass(frozen=True)
class Row:
    """One line of the results: what was done, ours, the peer's or the limit, the target, and whether it was met."""

    work: str
    ours: str
    peer: str
    target: str
    met: bool


def cost_of(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command that must end well. Raises CalledProcessError with what it printed."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), output.decode(errors="replace"))
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def in_turns(*works: Callable[[], Cost], rounds: int = ROUNDS) -> list[Cost]:
    """The medians of several works, run in turns so that a slow moment of the machine meets all of them."""
    taken: list[list[Cost]] = [[] for _ in works]
    for _ in range(rounds):
        for index, work in enumerate(works):
            taken[index].append(work())
    return [
        Cost(median(one.cpu for one in costs), median(one.wall for one in costs), max(one.rss_mb for one in costs))
        for costs in taken
    ]
