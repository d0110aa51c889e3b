# SPDX-License-Identifier: Apache-2.0
"""Directories that must be there or can be made, can be written to, and have room."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class DirectoryNeed:
    """A directory that `needed_by` will write to, with the room it takes."""

    path: Path
    needed_by: str
    free_bytes: int = 0
    free_inodes: int = 0


def check_directories(needs: Sequence[DirectoryNeed]) -> list[str]:
    """Say which directories cannot be used, and which file systems lack room for all that lie on them together."""
    problems = []
    by_device: dict[int, list[tuple[DirectoryNeed, Path]]] = {}
    for need in needs:
        existing = _nearest_existing(need.path)
        problem = _problem(need, existing)
        if problem:
            problems.append(problem)
        else:
            by_device.setdefault(existing.stat().st_dev, []).append((need, existing))
    for sharing in by_device.values():
        problems += _lacking([need for need, _ in sharing], sharing[0][1])
    return problems


def _nearest_existing(path: Path) -> Path:
    return next(candidate for candidate in (path, *path.parents) if os.path.lexists(candidate))


def _problem(need: DirectoryNeed, existing: Path) -> str | None:
    wanted = f"{need.needed_by} needs it"
    if not existing.is_dir():
        return f"directory {need.path}: {existing} is no directory; {wanted}. Remove it or choose another directory."
    if os.access(existing, os.W_OK | os.X_OK):
        return None
    if existing == need.path:
        return f"directory {need.path} cannot be written to; {wanted}. Change its owner or mode, or its file system's."
    return f"directory {need.path} cannot be made in {existing}; {wanted}. Make it, or let {existing} be written to."


def _lacking(needs: Sequence[DirectoryNeed], existing: Path) -> list[str]:
    system = os.statvfs(existing)
    wanted_bytes, wanted_inodes = sum(need.free_bytes for need in needs), sum(need.free_inodes for need in needs)
    free_bytes = system.f_bavail * system.f_frsize
    paths = ", ".join(str(need.path) for need in needs if need.free_bytes or need.free_inodes)
    who = ", ".join(dict.fromkeys(need.needed_by for need in needs if need.free_bytes or need.free_inodes))
    problems = []
    if free_bytes < wanted_bytes:
        problems.append(
            f"the file system of {paths} has {_size(free_bytes)} free, {who} needs {_size(wanted_bytes)}. Make room."
        )
    # Some file systems, such as btrfs, make inodes as they need them and tell 0.
    if system.f_files and system.f_favail < wanted_inodes:
        problems.append(
            f"the file system of {paths} has room for {system.f_favail} more files, {who} needs {wanted_inodes}. "
            "Remove files."
        )
    return problems


def _size(count: int) -> str:
    value, unit = float(count), 0
    while value >= 1024 and unit < len(UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {UNITS[unit]}" if unit else f"{count} bytes"
