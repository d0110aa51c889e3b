# SPDX-License-Identifier: Apache-2.0
"""Ways to tamper with the files of a ledger, and to sign what comes out as its owner could."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from nexus_ansible.ledger.checkpoint import Checkpoint
from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.merkle import leaf_hash
from nexus_ansible.ledger.tiles import (
    ENTRY_PREFIX,
    WIDTH,
    Edge,
    bundle_path,
    join_prefixed,
    sized_path,
    split_prefixed,
    tile_path,
)

if TYPE_CHECKING:
    from pathlib import Path

    from nexus_ansible.ledger.note import Signer


def files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.stat().st_size)


def bundle_file(directory: Path, size: int, bundle: int) -> Path:
    return directory / sized_path(bundle_path(bundle), min(WIDTH, size - bundle * WIDTH))


def leaves_of(directory: Path, size: int) -> list[bytes]:
    bundles = range(-(-size // WIDTH))
    return [
        leaf
        for bundle in bundles
        for leaf in split_prefixed(bundle_file(directory, size, bundle).read_bytes(), ENTRY_PREFIX)[0]
    ]


def write_leaves(path: Path, leaves: list[bytes]) -> None:
    path.write_bytes(join_prefixed(leaves, ENTRY_PREFIX))


def rebuild(directory: Path, leaves: list[bytes], signer: Signer | None = None) -> None:
    """Write all entries and tiles anew and sign them."""
    shutil.rmtree(directory / "tile")
    edge, growth = Edge(0).extend([leaf_hash(leaf) for leaf in leaves])
    contents = {sized_path(tile_path(tile.level, tile.index), tile.new_width): tile.hashes for tile in growth}
    for bundle in range(-(-len(leaves) // WIDTH)):
        part = leaves[bundle * WIDTH : (bundle + 1) * WIDTH]
        contents[sized_path(bundle_path(bundle), len(part))] = join_prefixed(part, ENTRY_PREFIX)
    for path, data in contents.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(data)
    signer = signer or KeyFiles.within(directory).signer()
    note = signer.sign(Checkpoint(signer.name, edge.size, edge.root).text)
    (directory / "checkpoint").write_text(note, encoding="utf-8")
