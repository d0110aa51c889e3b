# SPDX-License-Identifier: Apache-2.0
"""A supervisord in the foreground, on a Unix socket."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.process import running
from tests.servers.short_paths import short_directory


@dataclass(frozen=True)
class SupervisordServer:
    """Where a running daemon is reached and where it reads programs from."""

    socket: Path
    config_dir: Path
    directory: Path
    pid: int


@contextlib.contextmanager
def start_supervisord(directory: Path) -> Iterator[SupervisordServer]:
    """Run a daemon that includes `directory`/conf.d/*.conf; its programs end with it."""
    config_dir = directory / "conf.d"
    config_dir.mkdir(parents=True, exist_ok=True)
    with short_directory() as sockets:
        path = sockets / "supervisor.sock"
        config = directory / "supervisord.conf"
        config.write_text(_configuration(path, directory), encoding="utf-8")
        argv = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "--nodaemon", "-c", str(config)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
        with running(argv, lambda: _answers(path), directory / "supervisord.out", environment) as process:
            yield SupervisordServer(path, config_dir, directory, process.pid)


def _answers(path: Path) -> bool:
    """Whether a daemon listens; its socket is there a moment earlier."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


def _configuration(path: Path, directory: Path) -> str:
    return f"""\
[unix_http_server]
file={path}
chmod=0700

[supervisord]
logfile={directory}/supervisord.log
pidfile={directory}/supervisord.pid
childlogdir={directory}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files={directory}/conf.d/*.conf
"""


@pytest.fixture
def supervisord(tmp_path: Path) -> Iterator[SupervisordServer]:
    """A daemon of its own for one test, without programs."""
    with start_supervisord(tmp_path) as server:
        yield server
