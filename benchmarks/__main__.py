# SPDX-License-Identifier: Apache-2.0
"""`python -m benchmarks`: measure everything and write benchmarks/RESULTS.md; names of modules measure only those."""

from __future__ import annotations

import importlib
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring import Row

MODULES = ("compile", "runs", "health", "ledger", "rollout")
RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("ansible-core", "ansible-runner", "mitogen", "jsonschema-rs", "orjson", "cryptography")


def main(names: list[str]) -> int:
    """Measure, print, and write the table when all was measured. Returns 1 when a target was missed."""
    rows: list[Row] = []
    for name in names or MODULES:
        print(f"measuring {name} ...", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{name}").rows()
    text = report(rows)
    print(text)
    if not names:
        RESULTS.write_text(text, encoding="utf-8")
    return 0 if all(row.met for row in rows) else 1


def report(rows: list[Row]) -> str:
    """The results as Markdown, with machine, versions and date."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    table = [f"| {row.work} | {row.ours} | {row.peer} | {row.target} | {'yes' if row.met else 'NO'} |" for row in rows]
    return "\n".join(
        [
            "# Figures",
            "",
            "Written by `make bench`. Every row was measured in one run with its peer, in turns, and shows medians.",
            "",
            (
                f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {_cpus()}, {platform.platform()}, "
                f"Python {platform.python_version()}, {versions}."
            ),
            "",
            "| work | ours | peer or limit | to reach | reached |",
            "|---|---|---|---|---|",
            *table,
            "",
        ]
    )


def _cpus() -> str:
    names = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return f"{len(names)} x {names[0]}" if names else platform.machine()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
