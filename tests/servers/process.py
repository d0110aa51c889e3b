# SPDX-License-Identifier: Apache-2.0
"""A child process that is ready when the block begins and gone when it ends."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.servers.waiting import wait_until

STOP_LIMIT_S = 20


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    ready: Callable[[], bool],
    log: Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `argv` until the block ends; `ready` says when it serves. Its output goes to `log`.

    Raises RuntimeError with the output when the process ends before it is ready.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=directory,
            start_new_session=True,
        )
    try:
        wait_until(lambda: _alive(process, argv, log) and ready(), f"{argv[0]} (log: {log})")
        yield process
    finally:
        stop(process, stop_signal)


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """End `process` by `stop_signal`, and by SIGKILL when it does not follow."""
    process.send_signal(stop_signal)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether something accepts TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _alive(process: subprocess.Popen[bytes], argv: Sequence[str], log: Path) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"{' '.join(argv)} ended with {process.returncode}:\n{log.read_text(errors='replace')}")
    return True
