# SPDX-License-Identifier: Apache-2.0
"""Commands on a control node that is a Job of a cluster: what it does there, and how each of its ends is told here."""

from __future__ import annotations

import contextlib
import getpass
import json
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.faults.command import edit, nexus, said_plainly, started
from tests.projects import make_project
from tests.servers.execution_environment import provide_execution_environment
from tests.servers.images import CLUSTER, provide
from tests.servers.kubernetes import NODE, STORAGE_CLASS, TestCluster, running_cluster, volume
from tests.servers.tcp_gate import TcpGate, tcp_gate
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.platform, pytest.mark.timeout(900), pytest.mark.xdist_group("cluster")]

ON = ("--on", "kubernetes-job")
REASON = ("--yes", "--reason", "from a laptop")
JOB = "nexus-ansible-lab"
LIMIT_S = 90


@dataclass(frozen=True)
class Site:
    """A cluster, the image of a control node, and the way by which the cluster's pods reach its API."""

    cluster: TestCluster
    image: str
    api: TcpGate


@dataclass(frozen=True)
class Laptop:
    """A project on a machine that reaches nothing but the cluster's API."""

    site: Site
    namespace: str
    project: Path

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace."""
        return self.site.cluster.kubectl("-n", self.namespace, *arguments)

    def jobs(self) -> list[str]:
        """Names of the jobs that there are."""
        return self.kubectl("get", "jobs", "--output=name").split()

    def records(self) -> list[dict[str, Any]]:
        """What the ledger in the cluster has of runs."""
        told = nexus(self.project, "audit", "log", "--json", *ON)
        assert told.returncode == 0, told.stderr
        found: list[dict[str, Any]] = json.loads(told.stdout)
        return found


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_cluster() as cluster:
        server = urlsplit(
            cluster.kubectl("config", "view", "--minify", "--output=jsonpath={.clusters[0].cluster.server}")
        )
        with tcp_gate(str(server.hostname), server.port or 443, NODE) as api:
            yield Site(cluster, provide_execution_environment(cluster.engine), api)


@pytest.fixture
def laptop(site: Site, tmp_path: Path) -> Iterator[Laptop]:
    """A project whose workflow `chores.daily` takes a while in its second step."""
    namespace = f"nexus-job-{uuid.uuid4().hex[:8]}"
    steps = {
        "first": [{"name": "Say something", "ansible.builtin.debug": {"msg": "here"}}],
        "second": [{"name": "Take a while", "ansible.builtin.command": "sleep {{ lookup('env', 'A_WHILE') }}"}],
    }
    node = {
        "image": site.image,
        "kubeconfig": str(site.cluster.kubeconfig),
        "namespace": namespace,
        "pull": "Never",
        "storage": {"class": STORAGE_CLASS},
        "variables": {"A_WHILE": "0"},
    }
    policies = {"policies": {"execution": {"pass_environment": ["A_WHILE"]}}}
    changes = {"orchestration": {"orchestration": {"environments": {"lab": {"control_node": node}}}}}
    project = make_project(tmp_path / "project", steps, changes)
    edit(project, "automation", lambda data: data["automation"].update(policies))
    site.cluster.kubectl("create", "namespace", namespace)
    with volume(site.cluster, namespace, tmp_path):
        yield Laptop(site, namespace, project)
        site.cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def taking(laptop: Laptop, seconds: int) -> Path:
    """The project, in which the second step takes some seconds."""

    def change(data: dict[str, Any]) -> None:
        data["orchestration"]["environments"]["lab"]["control_node"]["variables"]["A_WHILE"] = str(seconds)

    edit(laptop.project, "orchestration", change)
    return laptop.project


def in_second_step(laptop: Laptop) -> bool:
    return laptop.jobs() == [f"job.batch/{JOB}"] and "second" in _log(laptop)


def _log(laptop: Laptop) -> str:
    with contextlib.suppress(RuntimeError):  # its container has not begun
        return laptop.kubectl("logs", f"job/{JOB}")
    return ""


def test_a_run_takes_place_there_and_the_next_knows_of_it(laptop: Laptop) -> None:
    done = nexus(laptop.project, "run", "chores.daily", *REASON, *ON)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "chores.daily in lab: ok in" in done.stdout
    again = json.loads(nexus(laptop.project, "run", "chores.daily", "--json", *REASON, *ON).stdout)
    assert again["outcome"] == "ok"
    assert laptop.jobs() == []
    runs = [record for record in laptop.records() if record["kind"] == "run_started"]
    assert [run["actor"] for run in runs] == [getpass.getuser()] * 2
    assert {run["payload"]["vouched_by"] for run in runs} == {f"the job {JOB} in {laptop.namespace}"}
    assert {run["payload"]["reason"] for run in runs} == {"from a laptop"}
    assert nexus(laptop.project, "audit", "verify", "--integrity-only", *ON).returncode == 0
    assert not (laptop.project / ".nexus").exists()


def test_the_exit_code_is_that_of_the_command_there(laptop: Laptop) -> None:
    done = nexus(laptop.project, "run", "chores.daily", "--limit", "nobody", *REASON, *ON)
    assert done.returncode == 7
    assert 'host or group "nobody"' in done.stdout


def test_a_second_command_is_refused_and_names_who_gave_the_first(laptop: Laptop) -> None:
    project = taking(laptop, 3600)
    with started(project, "run", "chores.daily", *REASON, *ON) as first:
        wait_until(lambda: in_second_step(laptop), "the first one works", LIMIT_S)
        told = (f"lab is locked by the job {JOB}", f"{getpass.getuser()} runs", f"kubectl -n {laptop.namespace} logs")
        assert said_plainly(nexus(project, "run", "chores.daily", *REASON, *ON), 7, *told)
        first.send_signal(signal.SIGINT)
        assert first.wait(LIMIT_S) == 130


def test_an_interruption_here_cancels_the_run_there(laptop: Laptop) -> None:
    project = taking(laptop, 3600)
    with started(project, "run", "chores.daily", *REASON, *ON) as given:
        wait_until(lambda: in_second_step(laptop), "it works", LIMIT_S)
        given.send_signal(signal.SIGTERM)
        assert given.wait(LIMIT_S) == 130
    wait_until(lambda: laptop.jobs() == [], "the job goes", LIMIT_S)
    ends = [record["outcome"] for record in laptop.records() if record["kind"] == "run_ended"]
    assert ends == ["cancelled"]


def test_a_laptop_that_is_gone_leaves_the_run_to_end_by_itself(laptop: Laptop) -> None:
    project = taking(laptop, 10)
    with started(project, "run", "chores.daily", *REASON, *ON) as given:
        wait_until(lambda: in_second_step(laptop), "it works", LIMIT_S)
        given.kill()
    wait_until(
        lambda: laptop.kubectl("get", "jobs", "--output=jsonpath={.items[*].status.succeeded}") == "1", "it ends"
    )
    ends = [record["outcome"] for record in laptop.records() if record["kind"] == "run_ended"]
    assert ends == ["ok"]


def test_a_connection_that_breaks_is_made_again_and_no_line_is_lost(laptop: Laptop, tmp_path: Path) -> None:
    data = yaml.safe_load(laptop.site.cluster.kubeconfig.read_text("utf-8"))
    (entry,) = (one["cluster"] for one in data["clusters"])
    server = urlsplit(entry["server"])
    with tcp_gate(str(server.hostname), server.port or 443) as gate:
        entry.update({"server": f"https://127.0.0.1:{gate.port}", "tls-server-name": server.hostname})
        kubeconfig = laptop.project / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(data), encoding="utf-8")
        project = taking(laptop, 15)
        edit(project, "orchestration", _with_kubeconfig)
        output = (tmp_path / "output").open("w+")
        with output, started(project, "run", "chores.daily", *REASON, *ON, stdout=output, stderr=output) as given:
            wait_until(lambda: in_second_step(laptop), "it works", LIMIT_S)
            gate.shut()
            assert gate.refused.wait(LIMIT_S)
            gate.open()
            assert given.wait(LIMIT_S) == 0
            output.seek(0)
            told = output.read()
    assert told.count("chores.daily in lab: ok in") == 1
    assert len(set(told.splitlines())) == len(told.splitlines())


def _with_kubeconfig(data: dict[str, Any]) -> None:
    data["orchestration"]["environments"]["lab"]["control_node"]["kubeconfig"] = "kubeconfig"


def test_an_image_that_cannot_be_had_is_told_and_leaves_nothing(laptop: Laptop) -> None:
    def change(data: dict[str, Any]) -> None:
        data["orchestration"]["environments"]["lab"]["control_node"]["image"] = "nexus-ansible-test/absent:1"

    edit(laptop.project, "orchestration", change)
    done = nexus(laptop.project, "run", "chores.daily", *REASON, *ON)
    assert said_plainly(done, 6, f"The job {JOB} in {laptop.namespace} did not begin", "nexus-ansible-test/absent:1")
    wait_until(lambda: laptop.jobs() == [], "the job goes", LIMIT_S)


def test_a_namespace_that_is_not_there_is_told(laptop: Laptop) -> None:
    def change(data: dict[str, Any]) -> None:
        data["orchestration"]["environments"]["lab"]["control_node"]["namespace"] = "nowhere"

    edit(laptop.project, "orchestration", change)
    done = nexus(laptop.project, "run", "chores.daily", *REASON, *ON)
    assert said_plainly(done, 7, "No job was begun in nowhere", 'namespaces "nowhere" not found')


def test_an_environment_in_the_cluster_is_deployed_from_within_it(laptop: Laptop) -> None:
    image = provide(laptop.site.cluster.engine, CLUSTER)

    def describe(data: dict[str, Any]) -> None:
        node = data["orchestration"]["environments"]["lab"].pop("control_node")
        node["variables"] = {"KUBERNETES_SERVICE_HOST": NODE, "KUBERNETES_SERVICE_PORT": str(laptop.site.api.port)}
        cluster = {"kubeconfig": node.pop("kubeconfig"), "namespace": node.pop("namespace"), "version": "1.20"}
        where = {"kubernetes": {**cluster, "images": {"proxy": image, "pull": "Never"}}, "control_node": node}
        data["orchestration"]["environments"] = {"lab": {"runner": "kubernetes", **where}}
        data["orchestration"]["services"] = {"proxy": {"capability": "proxy", "port": 8080}}

    def deploy(data: dict[str, Any]) -> None:
        steps = ["validate", "deploy", "verify"]
        data["automation"]["workflows"] = {"deployment": {"lab": {"steps": steps}}}

    edit(laptop.project, "orchestration", describe)
    edit(laptop.project, "automation", deploy)
    assert nexus(laptop.project, "compile").returncode == 0
    laptop.kubectl("apply", "--filename", str(laptop.project / "manifests" / "lab" / "control-node" / "access.yaml"))
    done = nexus(laptop.project, "apply", "lab", *REASON, *ON)
    assert done.returncode == 0, done.stdout + done.stderr
    again = nexus(laptop.project, "apply", "lab", "--json", *REASON, *ON)
    assert json.loads(again.stdout)["counts"]["changed"] == 0
    rows = json.loads(nexus(laptop.project, "status", "lab", "--json", *ON).stdout)["environments"]["lab"]
    assert [(row["instance"], row["health"]) for row in rows] == [("proxy-1", "healthy")]
    assert nexus(laptop.project, "down", "lab", *REASON, *ON).returncode == 0
    assert laptop.kubectl("get", "statefulsets", "--output=name") == ""
