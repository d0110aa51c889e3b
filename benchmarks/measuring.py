# SPDX-License-Identifier: Apache-2.0
"""What a line of the results is, and how it is measured: in turns with its peer, medians of a few rounds.

Whole processes are measured by the kernel's own accounting, with everything they start.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """What a process and its children took, or some work in this one: CPU and wall seconds, largest resident MB."""

    cpu: float
    wall: float
    rss_mb: float = 0.0


@dataclass(frozen=True)
class Row:
    """One line of the results: what was done, ours, the peer's or the limit, their ratio, the target, was it met."""

    work: str
    ours: str
    peer: str
    ratio: str
    target: str
    met: bool


def fewer(work: str, ours: float, peer: float, peer_name: str, times: float) -> Row:
    """A row of CPU seconds, of which ours are to be `times` fewer than the peer's."""
    ratio = peer / ours
    return Row(
        work,
        f"{ours:.2f} CPU s",
        f"{peer_name}: {peer:.2f} CPU s",
        f"{ratio:.1f}x fewer",
        f">= {times:g}x fewer",
        ratio >= times,
    )


def cost_of(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a command that must end well, in a clean environment by default.

    Raises CalledProcessError with what it printed.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env or clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), output.decode(errors="replace"))
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def cost_here(work: Callable[[], object]) -> Cost:
    """Do some work in this process."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost(time.process_time() - cpu, time.perf_counter() - began)


def in_turns(*works: Callable[[], Cost], rounds: int) -> list[Cost]:
    """The medians of several works, run in turns so that a slow moment of the machine meets all of them."""
    taken: list[list[Cost]] = [[] for _ in works]
    for _ in range(rounds):
        for index, work in enumerate(works):
            taken[index].append(work())
    return [
        Cost(median(one.cpu for one in costs), median(one.wall for one in costs), max(one.rss_mb for one in costs))
        for costs in taken
    ]


def clean_environment(**settings: str) -> dict[str, str]:
    """The environment without what would configure Ansible, Python or us, and with some settings.

    Python then keeps the bytecode of a checkout, as pip does of what it installs.
    """
    left_out = ("ANSIBLE_", "NEXUS_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, **settings}
