# SPDX-License-Identifier: Apache-2.0
"""How long the command line takes to say anything at all."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from benchmarks.measuring import REPOSITORY, Row, cost_of, in_turns

LIMIT_S = 0.1
TIMES_ROUNDS = 5  # it takes no time, so that more rounds cost nothing


def rows(rounds: int) -> list[Row]:
    """Measure `nexus-ansible --help`."""
    program = str(Path(sys.executable).with_name("nexus-ansible"))
    ours, click = in_turns(
        partial(cost_of, [program, "--help"], REPOSITORY),
        partial(cost_of, [sys.executable, "-c", "import click"], REPOSITORY),
        rounds=rounds * TIMES_ROUNDS,
    )
    more = max(ours.cpu - click.cpu, ours.wall - click.wall)
    return [
        Row(
            "`nexus-ansible --help`",
            f"{ours.cpu:.2f} CPU s, {ours.wall:.2f} s",
            f'`python -c "import click"`: {click.cpu:.2f} CPU s, {click.wall:.2f} s',
            f"{ours.cpu / click.cpu:.1f}x",
            f"<= {LIMIT_S:g} s more, CPU and wall",
            more <= LIMIT_S,
        )
    ]
