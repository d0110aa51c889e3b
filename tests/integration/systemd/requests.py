# SPDX-License-Identifier: Apache-2.0
"""Steady requests that a container makes to itself, as a program of its own: it prints what became of them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.integration.roles.load import steady_load
from tests.servers.docker import CLIENT, Container
from tests.servers.playbook import REPOSITORY

LEAST = 200
LIMIT_S = 120


@dataclass
class Answers:
    """How many requests were made and what failed; known after the block."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)


@contextlib.contextmanager
def steady_requests(machine: Container, port: int, *paths: str) -> Iterator[Answers]:
    """Ask for `paths` of the machine's own port in turn as long as the block lasts."""
    argv = [CLIENT, "--host", machine.engine.host, "exec", "--interactive", "--workdir", str(REPOSITORY), machine.name]
    argv += [sys.executable, "-m", __name__, str(port), *paths]
    answers = Answers()
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield answers
        finally:
            told, _ = process.communicate("", timeout=LIMIT_S)
    assert process.returncode == 0
    answers.requests, answers.failures = json.loads(told)


def main() -> None:
    """Ask until the input ends."""
    with steady_load(int(sys.argv[1]), sys.argv[2:], LEAST) as load:
        sys.stdin.read()
    print(json.dumps([load.requests, load.failures]))


if __name__ == "__main__":
    main()
