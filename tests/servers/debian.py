# SPDX-License-Identifier: Apache-2.0
"""Debian's packages, installed when root runs the tests and a program is missing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nexus-ansible"
POLICY = Path("/usr/sbin/policy-rc.d")
REFUSE = "#!/bin/sh\nexit 101\n"
INSTALL_LIMIT_S = 600


def install(*packages: str) -> bool:
    """Install `packages` without what they only recommend, and start none of their services.

    Returns False when nothing can be installed here, because that takes root and Debian.
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with locked(CACHE / "install.lock"), _services_stay_down():
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            subprocess.run(
                ["apt-get", "-qq", *arguments],
                env=environment,
                stdout=subprocess.DEVNULL,
                timeout=INSTALL_LIMIT_S,
                check=True,
            )
    return True


def require(**programs: str) -> None:
    """Have each program, which comes with the package named; skip the test where that is not possible.

    A program that is no identifier has `_` for `-`.
    """
    packages = {package for name, package in programs.items() if _find(name) is None}
    if packages and not (install(*packages) and all(map(_find, programs))):
        pytest.skip(f"needs {', '.join(programs)}; as root: apt-get install {' '.join(sorted(packages))}")


def _find(name: str) -> str | None:
    return shutil.which(name.replace("_", "-"), path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only process in the block."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _services_stay_down() -> Iterator[None]:
    """Refuse what packages ask of invoke-rc.d(8); a machine with a policy of its own keeps that."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(REFUSE, encoding="ascii")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()
