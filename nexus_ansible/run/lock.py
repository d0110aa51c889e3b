# SPDX-License-Identifier: Apache-2.0
"""One run at a time for each service and environment. The kernel lets go of a lock when its process dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nexus_ansible.errors import RefusedError
from nexus_ansible.project import Project, refusing
from nexus_ansible.run.state import RunStore


@contextmanager
def locked(project: Project, environment: str, services: Sequence[str], run: str, started: str) -> Iterator[None]:
    """Hold an environment, or only some of its services, until the block ends.

    A run of the whole environment excludes every other one; runs limited to different services do not exclude each
    other. Raises RefusedError that names the holder.
    """
    directory = _directory(project.state / "locks")
    holder = json.dumps({"run": run, "pid": os.getpid(), "host": socket.gethostname(), "started": started})
    with ExitStack() as stack:
        whole = fcntl.LOCK_SH if services else fcntl.LOCK_EX
        stack.enter_context(_held(directory / environment, whole, holder, environment))
        for service in sorted(set(services)):
            path = directory / f"{environment}.{service}"
            stack.enter_context(_held(path, fcntl.LOCK_EX, holder, f"{service} in {environment}"))
        yield


@contextmanager
def counted(project: Project, limit: int) -> Iterator[None]:
    """Take one of `limit` places for runs of a project. Raises RefusedError when all are taken."""
    directory = _directory(project.state / "locks" / "places")
    for number in range(limit):
        descriptor = _open(directory / str(number))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        try:
            yield
        finally:
            os.close(descriptor)
        return
    open_runs = ", ".join(state.run for state in RunStore(project).open_runs())
    raise RefusedError(
        f"{limit} runs are under way ({open_runs}), and automation.policies.execution.max_concurrent allows no more.\n"
        "  Wait for one to end, or raise the limit."
    )


@contextmanager
def _held(path: Path, kind: int, holder: str, what: str) -> Iterator[None]:
    descriptor = _open(path)
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusedError(_refusal(path, what)) from None
        if kind == fcntl.LOCK_EX:
            with refusing(path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def closing(project: Project) -> Iterator[None]:
    """Wait until no other process closes crashed runs, and keep others from it. Raises RefusedError."""
    descriptor = _open(_directory(project.state / "locks") / "closing")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _directory(path: Path) -> Path:
    with refusing(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def _open(path: Path) -> int:
    with refusing(path):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _refusal(path: Path, what: str) -> str:
    try:
        holder = json.loads(path.read_text("utf-8"))
    except ValueError:
        return f"{what} is locked by a run of one of its services.\n  Wait for it to end."
    return (
        f"{what} is locked by run {holder['run']}, process {holder['pid']} on {holder['host']}, "
        f"since {holder['started']}.\n  Wait for it to end: nexus-ansible status"
    )
