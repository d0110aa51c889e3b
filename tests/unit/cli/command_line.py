# SPDX-License-Identifier: Apache-2.0
"""The command line as a person in a pipe would use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def run(
    directory: Path, *arguments: str, before: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `nexus-ansible` in a directory; `before` is a command that starts it, with its arguments."""
    return subprocess.run(
        [*before, sys.executable, "-m", "nexus_ansible", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
