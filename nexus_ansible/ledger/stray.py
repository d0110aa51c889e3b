# SPDX-License-Identifier: Apache-2.0
"""Files in a ledger's directories that its signed head does not account for."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_ansible.ledger.files import locked
from nexus_ansible.ledger.payloads import payload_path
from nexus_ansible.ledger.snapshot import LOCK, read_snapshot
from nexus_ansible.ledger.tiles import WIDTH, bundle_path, edge_tiles, sized_path, tile_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexus_ansible.ledger.note import Verifier


def stray_files(directory: Path, size: int, verifier: Verifier) -> list[str]:
    """List files under `tile` and `payload` that a ledger of `size` records does not have, relative to it.

    A writer at work can make some appear for a moment; so a suspicion is checked again while none is. Raises
    LedgerIntegrityError, OSError.
    """
    if not _strays(directory, size):
        return []
    with locked(directory / LOCK, fcntl.LOCK_SH):
        return _strays(directory, read_snapshot(directory, verifier).size)


def _strays(directory: Path, size: int) -> list[str]:
    expected = set(_expected(size))
    found = (f"{path.relative_to(directory)}" for top in ("tile", "payload") for path in _files(directory / top))
    return sorted(path for path in found if path not in expected)


def _files(top: Path) -> Iterator[Path]:
    pending = [str(top)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        yield Path(entry.path)
        except FileNotFoundError:  # a writer has just removed it
            continue


def _expected(size: int) -> Iterator[str]:
    level, count = 0, size
    while count:
        yield from (tile_path(level, index) for index in range(count // WIDTH))
        level, count = level + 1, count // WIDTH
    yield from (sized_path(tile_path(level, index), width) for level, index, width in edge_tiles(size))
    bundles, width = divmod(size, WIDTH)
    yield from (bundle_path(index) for index in range(bundles))
    yield from (payload_path(index) for index in range(bundles + (width > 0)))
    if width:
        yield sized_path(bundle_path(bundles), width)
