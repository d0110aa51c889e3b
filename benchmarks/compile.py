# SPDX-License-Identifier: Apache-2.0
"""Compiling 1,000 and 5,000 services in three environments, against kapitan."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import kapitan
from benchmarks.measuring import Row, cost_of, in_turns
from benchmarks.projects import ENVIRONMENTS, compile_again, compile_cold, write_project

SERVICES, MANY = 1_000, 5_000
COLD_LIMIT, UNCHANGED_LIMIT, MANY_LIMIT = 1.0, 0.3, 5.0
MANY_LIMIT_MB = 400
TIMES_FEWER = 15


def rows(rounds: int) -> list[Row]:
    """Measure all rows about the compiler."""
    program = kapitan.install()
    with tempfile.TemporaryDirectory() as scratch:
        return [*_thousand(Path(scratch), program, rounds), _five_thousand(Path(scratch), program, rounds)]


def _thousand(directory: Path, program: str, rounds: int) -> list[Row]:
    ours, peer = directory / "ours", directory / "kapitan"
    write_project(ours, SERVICES, replicas=2)
    kapitan.write_targets(peer, SERVICES * ENVIRONMENTS)
    nothing, cold, warm, kapitan_cold, kapitan_warm = in_turns(
        partial(cost_of, [sys.executable, "-c", "pass"], ours),
        partial(compile_cold, ours),
        partial(compile_again, ours),
        partial(kapitan.compile_cold, program, peer),
        partial(kapitan.compile_again, program, peer),
        rounds=rounds,
    )
    times, more = kapitan_cold.cpu / cold.cpu, warm.cpu - nothing.cpu
    work = f"compile {SERVICES:,} services x {ENVIRONMENTS} environments"
    return [
        Row(
            f"{work}, cold",
            f"{cold.cpu:.2f} CPU s",
            f"{kapitan.NAME}: {kapitan_cold.cpu:.2f} CPU s",
            f"{times:.1f}x fewer",
            f"<= {COLD_LIMIT:g} CPU s, >= {TIMES_FEWER}x fewer",
            cold.cpu <= COLD_LIMIT and times >= TIMES_FEWER,
        ),
        Row(
            f"{work}, nothing changed",
            f"{more:.2f} CPU s beyond `python -c pass`",
            f"{kapitan.NAME}: {kapitan_warm.cpu:.2f} CPU s",
            f"{kapitan_warm.cpu / warm.cpu:.1f}x fewer",
            f"<= {UNCHANGED_LIMIT:g} CPU s beyond `python -c pass`",
            more <= UNCHANGED_LIMIT,
        ),
    ]


def _five_thousand(directory: Path, program: str, rounds: int) -> Row:
    ours, peer = directory / "many", directory / "many-kapitan"
    write_project(ours, MANY, replicas=2)
    kapitan.write_targets(peer, MANY * ENVIRONMENTS)
    (cold,) = in_turns(partial(compile_cold, ours), rounds=rounds)
    theirs = kapitan.compile_cold(program, peer)
    return Row(
        f"compile {MANY:,} services x {ENVIRONMENTS} environments, cold",
        f"{cold.cpu:.2f} CPU s, {cold.rss_mb:.0f} MB",
        f"{kapitan.NAME}: {theirs.cpu:.2f} CPU s, {theirs.rss_mb:.0f} MB",
        f"{theirs.cpu / cold.cpu:.1f}x fewer",
        f"<= {MANY_LIMIT:g} CPU s, <= {MANY_LIMIT_MB} MB",
        cold.cpu <= MANY_LIMIT and cold.rss_mb <= MANY_LIMIT_MB,
    )
