# SPDX-License-Identifier: Apache-2.0
"""Steady requests that a container makes to itself, as a program of its own: it prints what became of them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

from tests.integration.roles.load import Load, steady_load
from tests.servers.docker import CLIENT, Container
from tests.servers.playbook import REPOSITORY

LEAST = 200
LIMIT_S = 120


@contextlib.contextmanager
def steady_requests(machine: Container, port: int, *paths: str) -> Iterator[Load]:
    """Ask for `paths` of the machine's own port in turn as long as the block lasts; the load is known after it."""
    argv = [CLIENT, "--host", machine.engine.host, "exec", "--interactive", "--workdir", str(REPOSITORY), machine.name]
    argv += [sys.executable, "-m", __name__, str(port), *paths]
    load = Load()
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield load
        finally:
            told, _ = process.communicate("", timeout=LIMIT_S)
    assert process.returncode == 0
    load.requests, load.failures = json.loads(told)


def main() -> None:
    """Ask until the input ends."""
    with steady_load(f"http://127.0.0.1:{sys.argv[1]}", sys.argv[2:], LEAST) as load:
        sys.stdin.read()
    print(json.dumps([load.requests, load.failures]))


if __name__ == "__main__":
    main()
