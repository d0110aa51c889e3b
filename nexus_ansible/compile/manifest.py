# SPDX-License-Identifier: Apache-2.0
"""Digests of every input and output of a compilation: `playbooks/manifest.json`.

It tells without parsing anything whether compiled files are up to date, and a file that somebody edited from one that
the registries have left behind.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_ansible import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANIFEST = "playbooks/manifest.json"
OWN_DIRECTORIES = ("inventories", "manifests", "playbooks")
_PACKAGE = Path(__file__).resolve().parents[1]
_STAGES = ("registries", "model", "compile")
_SHARED = ("discovery.py", "placement.py", "quantities.py")


@dataclass(frozen=True)
class Manifest:
    """What was compiled from what: SHA-256 in hex by path; `compiler` covers the toolkit's own part of the input."""

    compiler: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """The manifest as it stands on disk."""
        data = {"compiler": self.compiler, "inputs": dict(self.inputs), "outputs": dict(self.outputs)}
        return json.dumps(data, indent=1, sort_keys=True) + "\n"


def read_manifest(root: Path) -> Manifest:
    """The manifest of a project; an empty one where there is none, or none that can be read.

    Outputs outside the compiler's own directories are left out: what a manifest names may be removed.
    """
    try:
        data = json.loads((root / MANIFEST).read_text("utf-8"))
        outputs = {path: str(found) for path, found in data["outputs"].items() if _is_own(path)}
        return Manifest(str(data["compiler"]), dict(data["inputs"]), outputs)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Manifest()


def _is_own(path: str) -> bool:
    parts = path.split("/")
    return parts[0] in OWN_DIRECTORIES and len(parts) > 1 and not {"", ".", ".."} & {*parts}


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str | None:
    """SHA-256 of a file in hex, or None where there is no file that can be read."""
    try:
        return digest(path.read_bytes())
    except OSError:
        return None


def input_digests(root: Path) -> dict[str, str]:
    """Digests of a project's own inputs by path: registries, meta files of its roles; "" for unreadable ones."""
    files = [*(root / "config" / "ssot").glob("*.yaml"), *root.glob("roles/*/meta/*.yml")]
    return {path.relative_to(root).as_posix(): file_digest(path) or "" for path in sorted(files)}


def compiler_digest(packages: Iterable[str] = ()) -> str:
    """Digest of what the toolkit adds to the input: version, code, schemas, templates, roles of the collection.

    `packages` are others that take part, with their versions.
    """
    collection = _PACKAGE.parent / "ansible_collections" / "nexus" / "automation"
    shared = [collection / "plugins" / "module_utils" / name for name in _SHARED]
    files: Iterable[Path] = (
        path for stage in _STAGES for path in (_PACKAGE / stage).rglob("*") if path.suffix in {".py", ".j2", ".json"}
    )
    total = hashlib.sha256(__version__.encode())
    for path in sorted([*files, *shared, *collection.glob("roles/*/meta/*.yml")]):
        total.update(hashlib.sha256(path.read_bytes()).digest())
    for package in packages:
        total.update(package.encode())
    return total.hexdigest()


def is_current(root: Path, manifest: Manifest, compiler: str, inputs: Mapping[str, str]) -> bool:
    """Whether every compiled file is what these inputs give, told from digests alone."""
    return (
        bool(manifest.outputs)
        and manifest.compiler == compiler
        and manifest.inputs == inputs
        and all(file_digest(root / path) == expected for path, expected in manifest.outputs.items())
    )
