# SPDX-License-Identifier: Apache-2.0
"""An OpenSSH server on loopback, with a host key and a user's key of its own."""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.servers.debian import require
from tests.servers.ports import free_port
from tests.servers.process import accepts, running

PROGRAM = Path("/usr/sbin/sshd")
PRIVILEGE_SEPARATION = Path("/run/sshd")
LIMIT_S = 60


@dataclass(frozen=True)
class SshServer:
    """Where a running server is reached, by whom, and how it is known."""

    port: int
    user: str
    private_key: Path
    host_key: str
    log: Path

    def logins(self) -> int:
        """How often somebody was let in."""
        return self.log.read_text("utf-8", "replace").count("Accepted publickey for")


@contextlib.contextmanager
def start_sshd(directory: Path) -> Iterator[SshServer]:
    """Run a server that lets the current user in by the key it makes; everything is kept in `directory`.

    Debian's package is installed when root runs the tests and there is none; anybody else skips them.
    """
    require(sshd="openssh-server", ssh="openssh-client")
    if os.geteuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    host_key, user_key = make_key(directory / "host_key"), make_key(directory / "user_key")
    (directory / "authorized_keys").write_text(f"{user_key}\n", encoding="utf-8")
    port, config, log = free_port(), directory / "sshd_config", directory / "sshd.log"
    config.write_text(_configuration(directory, port), encoding="utf-8")
    with running([str(PROGRAM), "-D", "-e", "-f", str(config)], lambda: accepts(port), log):
        yield SshServer(port, getpass.getuser(), directory / "user_key", host_key, log)


def make_key(path: Path) -> str:
    """Make an Ed25519 key pair and return the public half, without a comment."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(argv, check=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL)
    return path.with_name(f"{path.name}.pub").read_text("utf-8").strip()


def _configuration(directory: Path, port: int) -> str:
    options = {
        "ListenAddress": "127.0.0.1",
        "Port": port,
        "HostKey": directory / "host_key",
        "AuthorizedKeysFile": directory / "authorized_keys",
        "PidFile": "none",
        "StrictModes": "no",  # directories of temporary files may be anybody's
        "UsePAM": "no",
        "AuthenticationMethods": "publickey",
        "PermitRootLogin": "prohibit-password",
        "LogLevel": "VERBOSE",
        "MaxStartups": 100,
        "Subsystem": "sftp internal-sftp",
    }
    return "".join(
        f'{name} "{value}"\n' if " " not in str(value) else f"{name} {value}\n" for name, value in options.items()
    )
