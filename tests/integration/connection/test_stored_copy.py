# SPDX-License-Identifier: Apache-2.0
"""A file goes to machines through the store: sent once, fetched by each of them, and nobody else can."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.connection.conftest import OWN
from tests.integration.connection.ground import Ground
from tests.servers.docker import Container
from tests.servers.run_command.aws import Aws
from tests.servers.run_command.azure import Azure

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(OWN in os.environ, reason="a user's cloud is not to be broken"),
]

SIGNATURES = ("X-Amz-Signature", "sig=")


@dataclass(frozen=True)
class Copying:
    """A file of the control node that is to be at `there` on the machine."""

    ground: Ground
    source: Path
    there: str
    store: Mapping[str, str]

    def task(self, **options: Any) -> dict[str, Any]:
        """The task that copies it."""
        arguments = {"src": str(self.source), "dest": f"{self.there}/", "store": self.store, **options}
        return {"nexus.automation.stored_copy": arguments, "register": "copied"}

    def play(self, *tasks: dict[str, Any], check: bool = False, expect: int = 0) -> str:
        """Run tasks on the machine; return what Ansible printed."""
        done = self.ground.play(
            self.source.parent / uuid.uuid4().hex,
            [{**task, **({"check_mode": True} if check else {})} for task in tasks],
            by_engine(self.ground.container),
            {"ANSIBLE_VERBOSITY": "3"},
        )
        assert done.returncode == expect, done.stdout
        assert not any(signature in done.stdout for signature in SIGNATURES)
        return done.stdout

    def found(self) -> str:
        """Content and mode of the file on the machine."""
        path = f"{self.there}/{self.source.name}"
        return self.ground.container.run("sh", "-c", f"stat --format=%a:%U {path}; cat {path}").rstrip()

    def objects(self) -> list[str]:
        """What the store has of it."""
        return [name for name in self.ground.cloud.objects() if name.startswith(self.store["prefix"])]


def _store(cloud: Aws | Azure) -> dict[str, str]:
    told = {name.rpartition("run_command_")[2]: value for name, value in cloud.variables.items()}
    if isinstance(cloud, Aws):
        return {"cloud": "aws", "bucket": told["bucket"], "region": told["region"]}
    return {"cloud": "azure", "account_url": told["account_url"], "container": told["container"]}


def by_engine(machine: Container) -> dict[str, str]:
    """Variables of a way to the machine that has nothing to do with the store."""
    return {
        "ansible_connection": "community.docker.docker_api",
        "ansible_docker_docker_host": machine.engine.host,
        "ansible_host": machine.name,
    }


@pytest.fixture
def copying(ground: Ground, tmp_path: Path) -> Iterator[Copying]:
    name = uuid.uuid4().hex
    source = tmp_path / "backend-1.0.tar"
    source.write_text("the first\n", encoding="utf-8")
    yield Copying(ground, source, f"/tmp/{name}/backend", {**_store(ground.cloud), "prefix": f"{name}/"})
    ground.container.run("rm", "-rf", f"/tmp/{name}")


def changed(is_changed: bool) -> dict[str, Any]:
    return {"ansible.builtin.assert": {"that": f"copied.changed == {is_changed}"}}


def test_a_file_is_sent_once_and_fetched_by_each_machine_that_lacks_it(copying: Copying) -> None:
    copying.play(copying.task(), changed(True), copying.task(), changed(False))
    assert copying.found() == "600:root\nthe first"
    (stored,) = copying.objects()
    copying.ground.container.run("rm", "-r", copying.there)
    copying.play(copying.task(directory_mode="0711"), changed(True))
    assert copying.found() == "600:root\nthe first"
    assert copying.ground.container.run("stat", "--format=%a", copying.there).strip() == "711"
    assert copying.objects() == [stored]


def test_another_content_and_another_mode_replace_what_was_there(copying: Copying) -> None:
    copying.play(copying.task())
    copying.source.write_text("the second\n", encoding="utf-8")
    copying.play(copying.task(), changed(True))
    copying.play(copying.task(mode="0640"), changed(True), copying.task(mode="0640"), changed(False))
    assert copying.found() == "640:root\nthe second"
    assert len(copying.objects()) == 2


def test_check_mode_tells_and_does_nothing(copying: Copying) -> None:
    copying.play(copying.task(), changed(True), check=True)
    copying.source.unlink()
    copying.play(copying.task(), changed(True), check=True)
    assert copying.objects() == []
    assert copying.ground.container.attempt("test", "-e", copying.there).returncode != 0


def test_what_somebody_put_in_its_place_is_refused(copying: Copying) -> None:
    copying.play(copying.task())
    (stored,) = copying.objects()
    copying.ground.cloud.overwrite(stored, b"somebody else's\n")
    copying.ground.container.run("rm", "-r", copying.there)
    told = copying.play(copying.task(), expect=2)
    assert f"{copying.there}/{copying.source.name}: The checksum for" in told
    assert copying.ground.container.attempt("test", "-e", f"{copying.there}/{copying.source.name}").returncode != 0


def test_a_file_that_was_not_built_and_a_store_that_is_not_there_are_told(copying: Copying) -> None:
    elsewhere = {**copying.store, ("bucket" if "bucket" in copying.store else "container"): "nowhere"}
    told = copying.play(copying.task(store=elsewhere), expect=2)
    assert "nowhere" in told
    assert "there is no such" in told
    copying.source.unlink()
    assert "is no file of the control node" in copying.play(copying.task(), expect=2)
