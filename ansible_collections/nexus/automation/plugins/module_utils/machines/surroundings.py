# SPDX-License-Identifier: Apache-2.0
"""Who a machine's tasks run as, where it keeps files in memory, and what its systemd can do."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterable

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - directories below it are private
SEALING_PROGRAM = Path("/usr/bin/systemd-creds")  # since systemd 250


@dataclass(frozen=True)
class Surroundings:
    """One user's view of a machine.

    `scope` is that of the user's systemd, system or user; `units` the directory of its units; `memory` a directory
    whose files are in memory; `runtime` the directory below it for the sockets and secrets of one environment, which
    belongs to `runtime_uid` with `runtime_mode`, four octal digits; both empty when it is not there. `seals` says
    whether systemd can keep a secret on disk that only this machine's key opens. `python` is the interpreter that
    looks around.
    """

    uid: int
    user: str
    scope: str
    systemd: bool
    seals: bool
    units: Path
    memory: Path
    runtime: Path
    runtime_uid: str
    runtime_mode: str
    python: str


def look_around(home: Path, supervision: str, runtime: Path | None) -> Surroundings:
    """Look at this machine as the current user, for an environment in `home`.

    Raises AdapterError for a user without a name.
    """
    uid = os.geteuid()
    try:
        person = pwd.getpwuid(uid)
    except KeyError:
        raise AdapterError(f"user {uid} is not in the machine's list of users. Use one that is.") from None
    scope = "user" if uid else "system"
    systemd_memory = Path(f"/run/user/{uid}") if uid else Path("/run")
    # systemd makes a directory below its own one at every start, so it is there again after a boot.
    memory = systemd_memory if supervision == "systemd" else _memory_of_any_user()
    runtime = runtime or memory / f"nexus-{sha256(str(home).encode()).hexdigest()[:12]}"
    found = runtime.lstat() if os.path.lexists(runtime) else None
    return Surroundings(
        uid=uid,
        user=person.pw_name,
        scope=scope,
        systemd=(systemd_memory / "systemd").is_dir(),
        seals=supervision == "systemd" and scope == "system" and SEALING_PROGRAM.exists(),
        units=Path(person.pw_dir) / ".config/systemd/user" if uid else Path("/etc/systemd/system"),
        memory=memory,
        runtime=runtime,
        runtime_uid=str(found.st_uid) if found else "",
        runtime_mode=f"{stat.S_IMODE(found.st_mode):04o}" if found else "",
        python=sys.executable,
    )


def missing_accounts(names: Iterable[str]) -> list[str]:
    """Which of the users are not known here."""
    known = {person.pw_name for person in pwd.getpwall()}
    return [name for name in names if name not in known]


def _memory_of_any_user() -> Path:
    return SHARED_MEMORY if SHARED_MEMORY.is_dir() else Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108
