# SPDX-License-Identifier: Apache-2.0
"""Instances as containers of a real engine: the modules engine_ground, container_instance and engine_info."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.docker import Engine
from tests.servers.images import PYTHON, provide
from tests.servers.playbook import PlaybookRun, run_tasks
from tests.servers.ports import free_port
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("systemd")]

PORT = 20481
LIMIT_S = 60
CANARY = "canary-of-the-container"
LAUNCHER = f"""#!/bin/sh
. /nexus/secrets.env
cd /nexus/data
echo started >>log
exec python3 -m http.server {PORT}
"""
FIRST, RELOADED, SECOND = "aaaaaaaaaaaa-111111111111", "aaaaaaaaaaaa-222222222222", "bbbbbbbbbbbb-111111111111"
READY = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{PORT}/log').read().decode())"


@dataclass(frozen=True)
class Site:
    """An environment of its own on the engine, with one instance."""

    engine: Engine
    image: str
    directory: Path
    project: str
    network: str

    def task(self, title: str, module: str, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """A task for the environment."""
        common = {"docker_host": self.engine.host, "project": self.project, "environment": "test"}
        task = {"name": title, f"nexus.automation.{module}": {**common, **options}, "ignore_errors": True}
        return {**task, "check_mode": True} if check_mode else task

    def ground(self, title: str = "Ground", check_mode: bool = False, **changed: Any) -> dict[str, Any]:
        """The task that has network and console."""
        options = {"console_image": self.image, "network": self.network, **changed}
        return self.task(title, "engine_ground", check_mode, **options)

    def instance(self, title: str, version: str = FIRST, check_mode: bool = False, **changed: Any) -> dict[str, Any]:
        """The task that has the instance."""
        options = {
            "name": "site-1",
            "version": version,
            "image": self.image,
            "launcher": LAUNCHER,
            "variables": {"GREETING": 'it\'s "here"'},
            "secrets": f"export SECRET={CANARY}\n",
            "files": [
                {"name": "page", "content": f"page of {version}"},
                {"name": "hidden", "content": CANARY, "secret": True},
            ],
            "data": True,
            "port": PORT,
            "stop_timeout": 1,
            **changed,
        }
        return self.task(title, "container_instance", check_mode, **options)

    def run(self, *tasks: dict[str, Any]) -> PlaybookRun:
        """Run tasks, and look at the engine in the end."""
        return run_tasks(self.directory / "run", [*tasks, self.task("Look", "engine_info")])

    def inside(self, *argv: str) -> str:
        """What a command in the instance's container prints."""
        return self.engine.docker("exec", self.container, *argv)

    @property
    def container(self) -> str:
        """Name of the instance's container."""
        return f"{self.project}-test-site-1"

    @property
    def id(self) -> str:
        """Its id."""
        return self.engine.docker("inspect", "--format", "{{.Id}}", self.container)

    def starts(self) -> int:
        """How often the instance was started, once it answers."""
        argv = ("exec", self.container, "python3", "-c", READY)
        wait_until(lambda: self.engine.attempt(*argv).returncode == 0, "the instance answers", LIMIT_S)
        return self.engine.docker(*argv).count("started")


def changes(run: PlaybookRun, *titles: str) -> list[bool]:
    return [run.named(title).changed for title in titles]


def found(run: PlaybookRun) -> dict[str, Any]:
    """What the engine tells of the instance in the end."""
    told: dict[str, Any] = run.named("Look").result["instances"].get("site-1", {})
    return told


@pytest.fixture
def site(docker_engine: Engine, tmp_path: Path) -> Iterator[Site]:
    mark = uuid.uuid4()
    site = Site(
        docker_engine,
        provide(docker_engine, PYTHON),
        tmp_path,
        f"t{mark.hex[:8]}",
        f"10.{mark.bytes[0] % 16}.{mark.bytes[1]}.0/24",
    )
    yield site
    everything = [site.instance("Remove", state="absent"), site.ground("Clear", state="absent", remove_data=True)]
    assert site.run(*everything).returncode == 0
    filters = ("--quiet", "--filter", f"label=nexus.project={site.project}")
    for argv in (("ps", "--all"), ("network", "ls"), ("volume", "ls")):
        assert docker_engine.docker(*argv, *filters) == ""


def test_the_ground_is_laid_once_and_mended(site: Site) -> None:
    run = site.run(site.ground("Lay (check)", check_mode=True), site.ground("Lay"), site.ground("Lay (again)"))
    assert changes(run, "Lay (check)", "Lay", "Lay (again)") == [True, True, False]
    assert run.named("Lay (check)").result["missing"] == run.named("Lay").result["missing"] == ["network", "console"]
    assert run.named("Look").result["console"]
    site.engine.docker("stop", "--time", "0", f"{site.project}-test-console")
    mended = site.run(site.ground("Mend"), site.ground("Mend (again)"), site.ground("Move", network="10.0.77.0/24"))
    assert mended.named("Mend").result["missing"] == ["console"]
    assert not mended.named("Mend (again)").changed
    assert mended.named("Move").message == (
        f"The network {site.project}-test of the engine at {site.engine.host} is {site.network}, and not 10.0.77.0/24. "
        "Take the environment down before it gets another network."
    )


def test_an_instance_runs_as_ordered_and_tells_no_secret(site: Site) -> None:
    limits = {"cpu": 0.5, "memory": 67108864}
    healthcheck = ["python3", "-c", READY]
    ordered = {"resources": limits, "healthcheck": healthcheck, "release": "site-1.0"}
    run = site.run(
        site.ground(),
        site.instance("Place (check)", check_mode=True, **ordered),
        site.instance("Place", **ordered),
        site.instance("Place (again)", **ordered),
    )
    assert changes(run, "Place (check)", "Place", "Place (again)") == [True, True, False]
    assert site.starts() == 1
    one = found(run)
    assert (one["version"], one["good"], one["versions"], one["release"]) == (FIRST, "", [FIRST], "site-1.0")
    assert (one["state"], one["pid"] > 0, one["uptime"] >= 0) == ("running", True, True)
    inspected = site.engine.docker("inspect", site.container)
    assert CANARY not in inspected
    assert CANARY not in run.output
    (told,) = json.loads(inspected)
    host, configured = told["HostConfig"], told["Config"]
    assert (host["NanoCpus"], host["Memory"]) == (500_000_000, 67108864)
    assert (host["CapDrop"], host["RestartPolicy"]["Name"]) == (["ALL"], "unless-stopped")
    assert (configured["User"], configured["Healthcheck"]["Test"]) == ("65534:65534", ["CMD", *healthcheck])
    assert site.inside("cat", "/nexus/current/page") == f"page of {FIRST}"
    assert site.inside("stat", "--format", "%a %u", "/nexus/secrets.env", "/nexus/current/hidden") == (
        "400 65534\n400 65534"
    )


def test_an_instance_comes_back_with_its_secrets_when_its_container_is_restarted(site: Site) -> None:
    site.run(site.ground(), site.instance("Place"))
    assert site.starts() == 1
    run = site.run(site.instance("Restart", state="restarted"))
    assert run.named("Restart").changed
    assert site.starts() == 2
    environments = "import glob; print([open(path).read() for path in glob.glob('/proc/[0-9]*/environ')])"
    assert f"SECRET={CANARY}" in site.inside("python3", "-c", environments)


def test_what_can_be_loaded_replaces_no_container(site: Site) -> None:
    site.run(site.ground(), site.instance("Place"))
    before = site.id
    run = site.run(site.instance("Reload", RELOADED), site.instance("Reload (again)", RELOADED))
    assert changes(run, "Reload", "Reload (again)") == [True, False]
    assert (site.id, found(run)["version"], found(run)["versions"]) == (before, RELOADED, [FIRST, RELOADED])
    assert site.inside("cat", "/nexus/current/page") == f"page of {RELOADED}"
    back = site.run(site.instance("Restore", FIRST, state="restored"))
    assert (site.id, found(back)["version"]) == (before, FIRST)
    assert site.inside("cat", "/nexus/current/page") == f"page of {FIRST}"


def test_the_last_good_container_is_kept_until_another_is_good(site: Site) -> None:
    good = site.run(
        site.ground(),
        site.instance("Place"),
        site.instance("Accept", state="good"),
        site.instance("Accept (again)", state="good"),
    )
    assert changes(good, "Accept", "Accept (again)") == [True, False]
    first = site.id
    moved = found(site.run(site.instance("Replace", SECOND)))
    assert (moved["version"], moved["good"], moved["versions"]) == (SECOND, FIRST, [FIRST, SECOND])
    back = site.run(
        site.instance("Restore", FIRST, state="restored"), site.instance("Restore (again)", FIRST, state="restored")
    )
    assert changes(back, "Restore", "Restore (again)") == [True, False]
    assert (site.id, found(back)["version"], found(back)["versions"]) == (first, FIRST, [FIRST])
    assert site.starts() == 3  # its data is that of all versions
    accepted = site.run(
        site.instance("Replace", SECOND),
        site.instance("Accept", state="good"),
        site.instance("Restore", FIRST, state="restored"),
    )
    assert found(accepted)["versions"] == [SECOND]
    assert accepted.named("Restore").message == (f"site-1: version {FIRST} is no longer on the engine. Deploy it anew.")


def test_a_replacement_that_was_cut_off_is_finished(site: Site) -> None:
    """Once before the new container has its files, and once after the old one was set aside."""
    site.run(site.ground(), site.instance("Place"), site.instance("Accept", state="good"))
    names = (f"{site.container}.{SECOND.partition('-')[0]}", f"{site.container}.{FIRST.partition('-')[0]}")
    told = {"project": site.project, "environment": "test", "instance": "site-1"}
    labels = [f"--label=nexus.{key}={value}" for key, value in told.items()]
    site.engine.docker("create", "--name", names[0], *labels, site.image, "true")
    half = site.run()
    assert (found(half)["version"], found(half)["versions"]) == (FIRST, [FIRST])
    assert found(site.run(site.instance("Replace", SECOND)))["version"] == SECOND
    site.run(site.instance("Restore", FIRST, state="restored"), site.instance("Accept", state="good"))
    site.engine.docker("stop", "--time", "0", site.container)
    site.engine.docker("rename", site.container, names[1])
    aside = found(site.run())
    assert (aside["version"], aside["good"], aside["state"]) == ("", FIRST, "stopped")
    done = found(site.run(site.instance("Replace", SECOND)))
    assert (done["version"], done["good"], done["state"]) == (SECOND, FIRST, "running")


def test_data_outlives_the_instance_until_it_is_to_be_removed(site: Site) -> None:
    site.run(site.ground(), site.instance("Place"))
    assert site.starts() == 1
    run = site.run(
        site.instance("Remove (check)", check_mode=True, state="absent"),
        site.instance("Remove", state="absent"),
        site.instance("Remove (again)", state="absent"),
        site.ground("Clear (check)", check_mode=True, state="absent"),
        site.ground("Clear", state="absent"),
        site.ground("Clear (again)", state="absent"),
    )
    assert changes(run, "Remove (check)", "Remove", "Remove (again)") == [True, True, False]
    assert changes(run, "Clear (check)", "Clear", "Clear (again)") == [True, True, False]
    assert (found(run), run.named("Look").result["console"]) == ({}, False)
    site.run(site.ground(), site.instance("Place"))
    assert site.starts() == 2


def test_an_image_that_cannot_be_had_is_told_with_engine_and_cause(site: Site) -> None:
    image = f"127.0.0.1:{free_port()}/nowhere:1"
    run = site.run(site.ground("Pull", state="pulled", images=[image]), site.instance("Place", image=image))
    pulled = run.named("Pull").message
    assert pulled.startswith(f"The engine at {site.engine.host} cannot pull {image}: ")
    assert "connection refused" in pulled
    placed = run.named("Place").message
    assert placed.startswith(f"The engine at {site.engine.host} cannot make a container of {image}: ")
    assert found(run) == {}


def test_what_images_have_is_told(site: Site) -> None:
    run = site.run(site.task("Ask", "engine_info", images=[site.image, "nexus-ansible-test/nothing:1"]))
    told = run.named("Ask").result["images"]
    assert list(told) == [site.image]
    assert told[site.image]["programs"] == {"python3": "/usr/bin/python3"}
    assert told[site.image]["python"]["version"].startswith("3.")
    assert not run.named("Ask").changed


def test_an_engine_that_does_not_answer_is_named(site: Site) -> None:
    nowhere = f"unix://{site.directory}/no.sock"
    tasks = [
        {**site.instance("Place"), "ignore_unreachable": True},
        {**site.ground(), "ignore_unreachable": True},
        {**site.task("Ask", "engine_info"), "ignore_unreachable": True},
    ]
    for task in tasks:
        next(options for key, options in task.items() if key.startswith("nexus."))["docker_host"] = nowhere
    run = site.run(*tasks)
    for title in ("Place", "Ground", "Ask"):
        assert run.named(title).message.startswith(f"No Docker engine answers at {nowhere}: ")
