# SPDX-License-Identifier: Apache-2.0
"""A Docker engine: the one that answers, or Debian's own, started for as long as any test process needs it.

All test processes of a user share it, whichever checkout they belong to: two engines on one machine would fight over
the bridge and the packet filter. Whoever uses it holds a shared lock, which the kernel takes back even from a process
that is killed; who finds that nobody else does, stops it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.processes import (
    all_processes,
    command_line,
    end_processes,
    read_process,
)
from tests.servers.debian import locked, require
from tests.servers.waiting import wait_until

CLIENT = "/usr/bin/docker"  # of the same package as the engine; another one in PATH may be too new for it
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nexus-ansible" / "docker"
STATE = CACHE / "engine"
RUNTIME = Path("/run/nexus-ansible-docker")
PID_FILE = RUNTIME / "pid"
GATEWAY = "172.17.0.1"
"""This machine as containers see it: the address of the engine's own bridge."""
SYSTEM_HOST = "unix:///var/run/docker.sock"
LABEL = "nexus-ansible-test"
LIMIT_S = 120
START_LIMIT_S = 60
STOP_LIMIT_S = 60
MOUNTS = Path("/proc/self/mounts")

_given_up: list[str] = []
"""Why the engine could not be started: once for a test process, or each of its tests would wait for it again."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers at `host`."""

    host: str

    def docker(self, *arguments: str, limit_s: float = LIMIT_S) -> str:
        """Run the client and return what it prints; raise RuntimeError with its message when it fails."""
        done = self.attempt(*arguments, limit_s=limit_s)
        if done.returncode != 0:
            raise RuntimeError(
                f"docker {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    def attempt(self, *arguments: str, limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
        """Run the client and return how it ended."""
        argv = [CLIENT, "--host", self.host, *arguments]
        return subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s, check=False
        )

    def answers(self) -> bool:
        """Say whether the engine is there."""
        return self.attempt("version").returncode == 0

    def empty(self) -> None:
        """Remove all that it has but its images."""
        if left := self.docker("ps", "--all", "--quiet").split():
            self.docker("rm", "--force", "--volumes", *left)
        self.docker("network", "prune", "--force")
        self.docker("volume", "prune", "--force")


@dataclass(frozen=True)
class Container:
    """A running container."""

    engine: Engine
    name: str

    def attempt(
        self, *argv: str, user: str = "root", limit_s: float = LIMIT_S, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it and return how that ended."""
        options = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
        return self.engine.attempt("exec", "--user", user, *options, self.name, *argv, limit_s=limit_s)

    def run(self, *argv: str, user: str = "root", limit_s: float = LIMIT_S, **environment: str) -> str:
        """Run a command in it, require that it went well, and return what it printed."""
        done = self.attempt(*argv, user=user, limit_s=limit_s, **environment)
        assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def copy(self, source: Path, target: str) -> None:
        """Copy a file or the contents of a directory into it."""
        self.engine.docker("cp", f"{source}/." if source.is_dir() else str(source), f"{self.name}:{target}")


@contextlib.contextmanager
def container(engine: Engine, name: str, *options: str) -> Iterator[Container]:
    """Run a container in the background until the block ends; `options` go to `docker run`: options, image, command."""
    engine.docker("run", "--detach", "--name", name, "--label", LABEL, *options)
    try:
        yield Container(engine, name)
    finally:
        engine.docker("rm", "--force", "--volumes", name)


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """Provide the engine the environment names or the system runs, else one of our own until the block ends.

    What it takes is installed when root runs the tests on Debian; anybody else without an engine skips them.
    """
    require(dockerd="docker.io", iptables="iptables", mmdebstrap="mmdebstrap")
    given = Engine(os.environ.get("DOCKER_HOST") or SYSTEM_HOST)
    if given.answers():
        yield given
    elif os.geteuid() != 0:
        pytest.skip(f"no Docker engine answers at {given.host}, and only root can start one")
    else:
        with _own_engine() as engine:
            yield engine


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """The engine of this test process."""
    with running_engine() as engine:
        yield engine


@contextlib.contextmanager
def _own_engine() -> Iterator[Engine]:
    turn = RUNTIME / "turn.lock"
    engine = Engine(f"unix://{RUNTIME}/docker.sock")
    RUNTIME.mkdir(mode=0o700, exist_ok=True)
    with (RUNTIME / "users.lock").open("w") as users:
        with locked(turn):
            if _is_alone(users):
                _start_empty(engine)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield engine
        finally:
            with locked(turn):
                if _is_alone(users):
                    engine.empty()
                    stop_engine(PID_FILE)


def _is_alone(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start_empty(engine: Engine) -> None:
    """Start it with nothing but images in it, whatever those left that were killed; if it must be, without images."""
    if _given_up:
        raise RuntimeError(_given_up[0])
    try:
        if not engine.answers():
            _start(engine)
        engine.empty()
    except (RuntimeError, subprocess.TimeoutExpired):
        _remove(STATE)
        try:
            _start(engine)
        except RuntimeError as error:
            _given_up.append(str(error))
            raise


def _start(engine: Engine) -> None:
    """Start it when all processes of an earlier one have ended."""
    own = (process for process in all_processes() if any(str(RUNTIME) in word for word in command_line(process.pid)))
    end_processes(own, STOP_LIMIT_S)
    # The ids of a killed engine and of its containerd may be those of other programs by now, or of zombies: either
    # way, the next engine would take them for its own.
    PID_FILE.unlink(missing_ok=True)
    _remove(RUNTIME / "exec")
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = ("--exec-root", str(RUNTIME / "exec"), "--pidfile", str(PID_FILE))
    argv = ("dockerd", "--host", engine.host, "--group", "root", "--data-root", str(STATE), *options)
    start_engine(engine, argv, CACHE / "engine.log")


def _remove(directory: Path) -> None:
    """Remove a directory and what is mounted in it."""
    points = [Path(line.split()[1]) for line in MOUNTS.read_text("utf-8").splitlines()]
    for point in reversed([point for point in points if point.is_relative_to(directory)]):
        subprocess.run(["umount", "--lazy", point], timeout=LIMIT_S, check=True)
    if directory.exists():
        shutil.rmtree(directory)


def start_engine(engine: Engine, argv: tuple[str, ...], log: Path) -> None:
    """Start a program that becomes the engine, and wait until it answers. Raises RuntimeError with its log."""
    with log.open("wb") as output:
        # No child of this process: it stays when others still use it.
        subprocess.run(
            ["setsid", "--fork", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            timeout=LIMIT_S,
            check=True,
        )
    try:
        wait_until(engine.answers, f"{' '.join(argv)} answers", START_LIMIT_S)
    except TimeoutError as error:
        raise RuntimeError(f"{error}:\n{log.read_text(errors='replace')}") from error


def stop_engine(pid_file: Path) -> None:
    """Stop the engine whose process id is in a file."""
    process = read_process(int(pid_file.read_text(encoding="ascii")))
    if process is not None:
        os.kill(process.pid, signal.SIGTERM)
        wait_until(lambda: not process.alive, "dockerd ends", STOP_LIMIT_S)
