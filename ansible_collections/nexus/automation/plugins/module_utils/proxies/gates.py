# SPDX-License-Identifier: Apache-2.0
"""Gates: files that say where a proxy finds an upstream.

Caddy takes `{file.<path>}` as the address of an upstream ("placeholders" in its documentation) and reads it at each
request. So an upstream is admitted and withdrawn by writing a file, and the configuration, whose loading cuts
connections off, stays as it is. For nginx the gates are written into its configuration (nginx_servers.py).
A gate's file has the name of its upstream, and holds `host:port` when it is open and `CLOSED` when it is closed.
"""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

from ..errors import AdapterError
from ..files import read_text, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CLOSED = "127.0.0.1:0"  # nothing listens on port 0, so the proxy is refused at once and takes the next upstream
FILE_MODE = 0o640  # for the group of their folder
FOLDER_MODE = 0o700
SHARED_MODE = 0o2750


def read_gate(gate: Path) -> str:
    """Return the address behind an open gate; an empty text when it is closed or missing."""
    text = (read_text(gate) or "").strip()
    return "" if text == CLOSED else text


def open_gate(gate: Path, address: str) -> None:
    """Let requests through to `address` (`host:port`); an open gate with this address is left alone."""
    if read_text(gate) != address:
        write_text(gate, address, FILE_MODE)


def close_gate(gate: Path) -> None:
    """Let no more requests through."""
    open_gate(gate, CLOSED)


def missing_gates(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the gates of `names` that are not in `folder` yet; raise AdapterError for a name no gate can have."""
    gates = [gate_path(folder, name) for name in names]
    return [gate for gate in gates if not gate.exists()]


def lay_gates(gates: Iterable[Path]) -> None:
    """Make closed gates, and their folder."""
    for gate in gates:
        make_folder(gate.parent)
        close_gate(gate)


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone; one that is there stays as it is."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def share_folder(folder: Path, group: str) -> None:
    """Let members of the group read a folder, and what is made in it. Raises LookupError for an unknown group."""
    make_folder(folder)
    shutil.chown(folder, group=group)
    folder.chmod(SHARED_MODE)


def gate_path(folder: Path, name: str) -> Path:
    """Return the gate of the upstream `name`; raise AdapterError when Caddy could not read a file of this name."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise AdapterError(f"gate {name!r}: use letters, digits, dots, hyphens and underscores only.")
    if re.search(r"[{}\n]", str(folder)):
        raise AdapterError(f"gates in {folder}: Caddy cannot read a path with braces in it. Choose another folder.")
    return folder / name
