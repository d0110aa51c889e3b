# SPDX-License-Identifier: Apache-2.0
"""Instances that are placed on a machine, read from the directories of their environment.

An instance has `versions/VERSION/`, the links `current` and `good` to one of them, and files of secrets. Proxies have
gates: a file for each instance that they may send requests to, wherever that is, with its address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..proxies.gates import read_gate

if TYPE_CHECKING:
    from pathlib import Path

LAUNCHER = "run"
CREDENTIAL = "secrets.cred"
SECRETS_SUFFIX = ".env"


@dataclass(frozen=True)
class Placed:
    """One instance: names of versions and releases, empty where there is none.

    `versions` are complete: a launcher is written last. `releases` are those that the running and the good version
    point to. `secrets` are the versions whose secrets the machine still has.
    """

    version: str
    good: str
    release: str
    releases: tuple[str, ...]
    versions: tuple[str, ...]
    secrets: tuple[str, ...]
    has_data: bool


def registered(registrations: Path, prefix: str, suffix: str) -> list[str]:
    """Names of the instances that supervision knows by a file PREFIX NAME SUFFIX; sorted."""
    names = (entry.name for entry in registrations.glob("*" + suffix)) if registrations.is_dir() else ()
    return sorted(name[len(prefix) : -len(suffix)] for name in names if name.startswith(prefix))


def read_placed(directory: Path, secrets: Path) -> Placed:
    """What is placed of the instance in `directory`; `secrets` is its directory in memory."""
    current, good = directory / "current", directory / "good"
    release = _target(current / "release")
    sealed = {path.parent.name for path in directory.glob(f"versions/*/{CREDENTIAL}")}
    kept = {path.name[: -len(SECRETS_SUFFIX)] for path in secrets.glob(f"*{SECRETS_SUFFIX}")}
    return Placed(
        version=_target(current),
        good=_target(good),
        release=release,
        releases=tuple(sorted({release, _target(good / "release")} - {""})),
        versions=tuple(sorted(path.parent.name for path in directory.glob(f"versions/*/{LAUNCHER}"))),
        secrets=tuple(sorted(sealed | kept)),
        has_data=(directory / "data").is_dir(),
    )


def read_gates(folder: Path) -> dict[str, dict[str, str]]:
    """The addresses behind the gates of each proxy, by proxy and instance; empty for a closed one.

    A proxy's gates are in a folder of its name below `folder`.
    """
    gates: dict[str, dict[str, str]] = {}
    for gate in sorted(folder.glob("[!.]*/[!.]*")):
        gates.setdefault(gate.parent.name, {})[gate.name] = read_gate(gate)
    return gates


def _target(link: Path) -> str:
    return link.resolve().name if link.exists() else ""
