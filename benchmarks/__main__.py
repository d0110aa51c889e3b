# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks [--rounds N] [NAME ...]`: measure, print the table, and say which targets were missed.

Without names everything is measured and benchmarks/RESULTS.md is written, so that the file is always one run. With
names of modules only those are measured, and the file stays as it is.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring import REPOSITORY, Row

MODULES = ("compile", "inventory", "startup", "runs", "health", "ledger", "rollout", "containers", "machines", "fleet")
ROUNDS = 3
RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("ansible-core", "ansible-runner", "mitogen", "jsonschema-rs", "orjson", "cryptography")


def main(arguments: list[str]) -> int:
    """Measure and print; write the results when all was measured. Returns 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure against peers and limits.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MODULES)}; all, if none is given")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often to measure each ({ROUNDS})")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(MODULES)):
        parser.error(f"there is no {', '.join(unknown)}; known: {', '.join(MODULES)}")
    rows: list[Row] = []
    for name in options.names or MODULES:
        print(f"measuring {name} ...", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{name}").rows(options.rounds)
    text = report(rows, options.rounds)
    print(text)
    if not options.names:
        RESULTS.write_text(text, encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1


def report(rows: list[Row], rounds: int) -> str:
    """The results as Markdown, with machine, versions, date and commit."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    table = [
        f"| {row.work} | {row.ours} | {row.peer} | {row.ratio} | {row.target} | {'yes' if row.met else '**no**'} |"
        for row in rows
    ]
    return "\n".join(
        [
            "# Figures",
            "",
            f"Written by `make bench` in one run. Each row is measured in turns with its peer, {rounds} times or more,",
            "and shows medians; a peer that takes over a minute runs once. CPU seconds are those of all processes.",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {_cpus()}, {platform.platform()},",
            f"Python {platform.python_version()}, {versions}.",
            "",
            "| work | ours | peer or limit | ratio | to reach | reached |",
            "|---|---|---|---|---|---|",
            *table,
            "",
        ]
    )


def _cpus() -> str:
    names = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
