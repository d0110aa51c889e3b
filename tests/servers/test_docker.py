# SPDX-License-Identifier: Apache-2.0
"""The Docker engine of the tests: shared, useful, and without leftovers."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.servers.docker import container, running_engine
from tests.servers.images import SYSTEMD, provide

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("systemd")]


def test_an_engine_stays_as_long_as_anybody_uses_it() -> None:
    with running_engine() as first:
        with running_engine() as second:
            assert second.host == first.host
            assert second.answers()
        assert first.answers()


def test_a_container_takes_files_and_commands_and_is_gone_afterwards(tmp_path: Path) -> None:
    (tmp_path / "greeting").write_text("hello\n", encoding="utf-8")
    name = f"nexus-{uuid.uuid4().hex[:12]}"
    with running_engine() as engine:
        image = provide(engine, SYSTEMD)
        assert provide(engine, SYSTEMD) == image
        with container(engine, name, image, "sleep", "600") as machine:
            machine.copy(tmp_path, "/srv")
            assert machine.run("sh", "-c", 'cat /srv/greeting; echo "$OTHER"', OTHER="value") == "hello\nvalue\n"
            assert machine.attempt("false").returncode == 1
        assert engine.attempt("inspect", name).returncode != 0


def test_a_client_that_fails_says_what_the_engine_said() -> None:
    with running_engine() as engine, pytest.raises(RuntimeError, match="No such container: nowhere"):
        engine.docker("stop", "nowhere")
