# SPDX-License-Identifier: Apache-2.0
"""A project as one archive: what a control node elsewhere needs of it, the same bytes for the same files."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.nexus.automation.plugins.module_utils.artefacts.archive import unpack_archive, write_archive
from ansible_collections.nexus.automation.plugins.module_utils.artefacts.source_tree import list_tree
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from nexus_ansible.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ansible_collections.nexus.automation.plugins.module_utils.artefacts.source_tree import Entry

LEFT_OUT = (".*_cache", ".ansible", ".cache", ".env", ".git", ".hypothesis", ".nexus", ".tox", ".venv", "node_modules")
"""Names and patterns of what stays behind: state, tools and what is only for people's own machines."""

LIMIT = 8 << 20
"""Bytes of a parcel. It lies in the cluster's store while the job is there, and that is made for small things."""

_NAMED = 3


def pack(root: Path, without: Iterable[str] = ()) -> bytes:
    """A gzipped tar archive of a project, but for LEFT_OUT and further names or paths in it.

    Raises RefusedError for what an archive cannot hold, such as links that lead out, and for too large a project.
    """
    try:
        entries = list_tree(root, (*LEFT_OUT, *without))
    except AdapterError as error:
        raise RefusedError(str(error)) from error
    with tempfile.TemporaryDirectory() as directory:
        archive = Path(directory) / "parcel"
        write_archive(entries, archive)
        packed = archive.read_bytes()
    if len(packed) > LIMIT:
        raise RefusedError(
            f"{root}: packed it has {len(packed) >> 20} MiB, and at most {LIMIT >> 20} MiB go into a cluster.\n"
            f"  Move what no run needs out of it; most is in {', '.join(_largest(entries))}."
        )
    return packed


def unpack(packed: bytes, root: Path) -> None:
    """Write the files of a parcel below a directory, and none elsewhere."""
    with tempfile.NamedTemporaryFile() as archive:
        archive.write(packed)
        archive.flush()
        unpack_archive(Path(archive.name), root)


def _largest(entries: Iterable[Entry]) -> list[str]:
    sizes: dict[str, int] = {}
    for entry in entries:
        top = entry.name.partition("/")[0]
        sizes[top] = sizes.get(top, 0) + entry.path.lstat().st_size
    return sorted(sizes, key=lambda name: -sizes[name])[:_NAMED]
