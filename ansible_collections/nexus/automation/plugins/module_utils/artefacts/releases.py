# SPDX-License-Identifier: Apache-2.0
"""Artefacts unpacked side by side, one directory each, and the removal of old ones."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AdapterError
from ..files import read_text, write_text
from .archive import differing_members, unpack_archive
from .build import Artefact
from .source_tree import file_digest

if TYPE_CHECKING:
    from collections.abc import Collection

MARK = ".nexus-release.json"
UNFINISHED = ".unpacking-"
SUFFIX = ".tar.gz"


@dataclass(frozen=True)
class Release:
    """An unpacked artefact; `installed` is the time in nanoseconds, for their order."""

    release_id: str
    path: Path
    installed: int


def verify_artefact(path: Path, sha256: str | None) -> Artefact:
    """Return the artefact at `path` when its digest is `sha256`, or without that the one in the file beside it.

    Raises AdapterError when it is missing, damaged or not named as an artefact.
    """
    if not path.name.endswith(SUFFIX) or not path.is_file():
        raise AdapterError(f"{path} is no artefact. Build it with nexus.automation.artefact.")
    artefact = Artefact(path, path.name[: -len(SUFFIX)])
    wanted = sha256 or (read_text(artefact.digest_file) or "").partition(" ")[0]
    if not wanted:
        raise AdapterError(f"{artefact.digest_file} is missing. Give `sha256`, or build the artefact again.")
    found = file_digest(path)
    if found != wanted.lower():
        raise AdapterError(f"{path} is damaged: its SHA-256 is {found} instead of {wanted}. Build it again.")
    return artefact


def is_installed(artefact: Artefact, releases: Path) -> bool:
    """Say whether the artefact is unpacked and every file of it unchanged."""
    place = releases / artefact.release_id
    return (place / MARK).is_file() and next(differing_members(artefact.path, place), None) is None


def install_release(artefact: Artefact, releases: Path) -> None:
    """Unpack the artefact; the release's directory appears complete or not at all. Remains of a crash are removed."""
    place = releases / artefact.release_id
    for remains in releases.glob(f"{UNFINISHED}*"):
        shutil.rmtree(remains)
    with tempfile.TemporaryDirectory(prefix=UNFINISHED, dir=releases) as workplace:
        unpacked = Path(workplace) / "release"
        unpacked.mkdir()
        unpacked.chmod(0o755)  # whatever the umask: services run as other users
        unpack_archive(artefact.path, unpacked)
        mark = json.dumps({"artefact": artefact.path.name, "installed": time.time_ns()})
        write_text(unpacked / MARK, f"{mark}\n", 0o644)
        if place.exists():
            place.rename(Path(workplace) / "damaged")
        unpacked.rename(place)


def list_releases(releases: Path) -> list[Release]:
    """Return the releases unpacked here, the newest first; directories made by others are none."""
    found = []
    for mark in releases.glob(f"*/{MARK}"):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            installed = int(json.loads(mark.read_text(encoding="utf-8"))["installed"])
            found.append(Release(mark.parent.name, mark.parent, installed))
    return sorted(found, key=lambda release: release.installed, reverse=True)


def superfluous_releases(releases: Path, current: str, keep: int, in_use: Collection[str]) -> list[Release]:
    """Return what is neither `current`, nor among the `keep` newest (`current` counts), nor named in `in_use`."""
    others = [release for release in list_releases(releases) if release.release_id != current]
    return [release for release in others[max(0, keep - 1) :] if release.release_id not in in_use]
