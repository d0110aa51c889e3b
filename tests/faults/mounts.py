# SPDX-License-Identifier: Apache-2.0
"""File systems that are full, small or read-only, for the processes of one test alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mounts:
    """A mount namespace of its own, held open by a process."""

    holder: int

    def inside(self, directory: Path) -> tuple[str, ...]:
        """What starts a command in the namespace, in a directory as the namespace sees it."""
        return ("nsenter", "-t", str(self.holder), "-m", "sh", "-c", 'cd "$0" && exec "$@"', str(directory))

    def mount(self, *arguments: str | Path) -> None:
        """Call mount(8) in the namespace."""
        self.call("mount", *map(str, arguments))

    def call(self, *command: str) -> str:
        """Call a command in the namespace; return what it prints."""
        argv = ["nsenter", "-t", str(self.holder), "-m", *command]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout

    def read_only(self, directory: Path) -> None:
        """Make a directory read-only, for root too."""
        self.mount("--bind", directory, directory)
        self.mount("-o", "remount,bind,ro", directory)


@contextmanager
def own_mounts() -> Iterator[Mounts]:
    """A namespace whose mounts nobody else sees, gone with the block."""
    argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", "echo; exec sleep 600"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            yield Mounts(holder.pid)
        finally:
            holder.kill()
