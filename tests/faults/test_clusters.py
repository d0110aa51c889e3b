# SPDX-License-Identifier: Apache-2.0
"""Pods that do not come up, and clusters that do not answer: each message names the pod and the cause."""

from __future__ import annotations

import contextlib
import copy
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from ansible_collections.nexus.automation.plugins.module_utils.clusters.api import ApiError, Cluster, connect_cluster
from ansible_collections.nexus.automation.plugins.module_utils.clusters.environments import (
    Manifests,
    ensure_absent,
    ensure_present,
    ensure_pruned,
)
from ansible_collections.nexus.automation.plugins.module_utils.clusters.rollout import (
    apply_workload,
    go_back_to,
    mark_good,
    restart,
    take_to,
)
from ansible_collections.nexus.automation.plugins.module_utils.clusters.workloads import Workload, build_workload
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError, UnreachableError
from nexus_ansible.compile.kubernetes.access import ACCOUNT, access_objects
from nexus_ansible.compile.kubernetes.bindings import pod_variables, variables
from nexus_ansible.compile.kubernetes.manifests import environment_objects, objects_of
from nexus_ansible.compile.kubernetes.objects import environment_labels
from nexus_ansible.compile.project import check_project
from nexus_ansible.model.platform import Environment
from nexus_ansible.project import Project
from tests.servers.images import CLUSTER, provide
from tests.servers.kubernetes import TestCluster, running_cluster
from tests.servers.tcp_gate import TcpGate, tcp_gate
from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1200), pytest.mark.xdist_group("cluster")]

GOLDEN = Path(__file__).parents[1] / "golden" / "kubernetes_cluster"
SLEEP = ["sleep", "infinity"]
LIMIT_S = 90
SOON_S = 8


@dataclass(frozen=True)
class Shop:
    """A namespace of a cluster, an image whose programs are there, and the labels of what is made."""

    server: TestCluster
    cluster: Cluster
    image: str

    @property
    def labels(self) -> dict[str, str]:
        """Those of everything of the environment."""
        mark = self.cluster.namespace
        return {"app.kubernetes.io/managed-by": "nexus-ansible", "app.kubernetes.io/part-of": mark}

    def workload(self, autoscaled: bool = False, replicas: int = 1, release: str = "", **container: Any) -> Workload:
        """A service `web` with a container that sleeps, but for what is said of it."""
        pod = {name: container.pop(name) for name in ("nodeSelector",) if name in container}
        selector = {"app.kubernetes.io/part-of": self.labels["app.kubernetes.io/part-of"]}
        main = {"name": "web", "image": self.image, "imagePullPolicy": "IfNotPresent", "command": SLEEP, **container}
        spec = {"containers": [main], "terminationGracePeriodSeconds": 0, **pod}
        document = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "web", "namespace": self.cluster.namespace, "labels": self.labels},
            "spec": {
                "serviceName": "web",
                "replicas": replicas,
                "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": selector},
                "template": {"metadata": {"labels": self.labels}, "spec": spec},
            },
        }
        documents = [document, *([self.autoscaler(replicas)] if autoscaled else [])]
        return build_workload(documents, "", release, {"PASSWORD": "xyzzy"})

    def autoscaler(self, least: int) -> dict[str, Any]:
        """One that leaves room for two more pods of `web`."""
        usage = {"type": "Utilization", "averageUtilization": 80}
        return {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": self.cluster.namespace, "labels": self.labels},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"},
                "minReplicas": least,
                "maxReplicas": least + 2,
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": usage}}],
            },
        }

    def have(self, workload: Workload, limit_s: float = LIMIT_S, pod: str = "web-0") -> None:
        """Take a pod to what a workload says."""
        apply_workload(self.cluster, workload)
        take_to(self.cluster, pod, workload.version, limit_s)

    def pod(self, name: str = "web-0") -> dict[str, Any]:
        """A pod."""
        pod = self.cluster.get(self.cluster.path("v1", "Pod", name))
        assert pod is not None
        return pod

    def as_account(self, name: str) -> Shop:
        """The same namespace, with the token of one of its accounts."""
        account = f"/api/v1/namespaces/{self.cluster.namespace}/serviceaccounts/{name}"
        asked = json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        token = json.loads(self.server.kubectl("create", "--raw", f"{account}/token", "--filename", "-", stdin=asked))
        configuration = copy.copy(self.cluster.client.configuration)
        configuration.cert_file = configuration.key_file = None
        configuration.api_key = {"authorization": f"Bearer {token['status']['token']}"}
        client = type(self.cluster.client)(configuration)
        return replace(self, cluster=replace(self.cluster, client=client, _found={}))

    def variables(self) -> dict[str, str]:
        """Plain variables of the first pod."""
        return {one["name"]: one["value"] for one in self.pod()["spec"]["containers"][0].get("env", [])}

    def make(self, kind: str, name: str, **fields: Any) -> None:
        """Make an object that is somebody else's."""
        one = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}
        self.server.kubectl("-n", self.cluster.namespace, "apply", "--filename=-", stdin=json.dumps(one))


@pytest.fixture(scope="module")
def server() -> Iterator[TestCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def shop(server: TestCluster) -> Iterator[Shop]:
    """A namespace of its own."""
    name = f"nexus-test-{uuid.uuid4().hex[:8]}"
    server.kubectl("create", "namespace", name)
    yield Shop(server, connected(server.kubeconfig, name), provide(server.engine, CLUSTER))
    server.kubectl("delete", "namespace", name, "--wait=false")


def connected(kubeconfig: Path, namespace: str) -> Cluster:
    return connect_cluster({"kubeconfig": str(kubeconfig), "context": None, "namespace": namespace, "timeout": 20})


def probe(command: str) -> dict[str, Any]:
    return {"exec": {"command": ["sh", "-c", command]}, "periodSeconds": 1}


def values(**variables: str) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


@pytest.mark.parametrize(
    ("container", "cause"),
    [
        (
            {"image": "nexus-ansible-test/absent:1", "imagePullPolicy": "Never"},
            "ErrImageNeverPull: .*nexus-ansible-test/absent:1",
        ),
        ({"command": ["sh", "-c", "exit 7"]}, r"its container ended with 7 \(Error\)"),
        ({"readinessProbe": probe("echo no database; false")}, "Unhealthy: Readiness probe failed: no database"),
        ({"nodeSelector": {"disk": "gold"}}, "no node takes it: .*didn't match"),
        ({"resources": {"requests": {"cpu": "9000"}}}, "no node takes it: .*Insufficient cpu"),
    ],
    ids=["image", "exit", "probe", "node", "cpu"],
)
def test_a_pod_that_does_not_come_up_is_told_with_the_cause(shop: Shop, container: dict[str, Any], cause: str) -> None:
    with pytest.raises(AdapterError, match=f"^pod web-0 is not ready: .*{cause}"):
        shop.have(shop.workload(**container), limit_s=LIMIT_S if cause.startswith(("Err", "its")) else SOON_S)


def test_a_pod_beyond_a_quota_is_told_with_the_quota(shop: Shop) -> None:
    shop.make("ResourceQuota", "no-room", spec={"hard": {"pods": "0"}})
    with pytest.raises(AdapterError, match=r"^pod web-0 is not ready: FailedCreate: .*exceeded quota: no-room"):
        shop.have(shop.workload(), limit_s=SOON_S)


def test_an_earlier_pod_s_failure_is_not_told_of_a_later_one(shop: Shop) -> None:
    with pytest.raises(AdapterError, match="ErrImageNeverPull"):
        shop.have(shop.workload(image="nexus-ansible-test/absent:1", imagePullPolicy="Never"))
    with pytest.raises(AdapterError) as raised:
        shop.have(shop.workload(readinessProbe=probe("false")), limit_s=SOON_S)
    assert "absent" not in str(raised.value)


def test_a_pod_goes_back_and_forth_and_is_each_time_what_was_asked_for(shop: Shop) -> None:
    first, second = shop.workload(env=values(OLD="1")), shop.workload(env=values(NEW="1"))
    shop.have(first)
    shop.have(second)
    go_back_to(shop.cluster, "web", first.version)
    take_to(shop.cluster, "web-0", first.version, LIMIT_S)
    assert shop.variables() == {"OLD": "1"}
    shop.have(second)
    assert shop.variables() == {"NEW": "1"}


def test_a_pod_knows_the_release_that_it_is_of(shop: Shop) -> None:
    env = variables({}, "web-secrets", (), pod_variables())
    for release in ("web-1.0-0123456789ab", "web-1.1-ba9876543210"):
        shop.have(shop.workload(env=env, release=release))
        told = shop.server.kubectl("-n", shop.cluster.namespace, "exec", "web-0", "--", "printenv", "NEXUS_RELEASE")
        assert told.strip() == release


def test_a_pod_made_from_what_somebody_changed_is_replaced(shop: Shop) -> None:
    ours = shop.workload()
    shop.have(ours)
    theirs = ("set", "image", "statefulset", "web", "web=nexus-ansible-test/absent:1")
    shop.server.kubectl("-n", shop.cluster.namespace, *theirs)
    shop.server.kubectl("-n", shop.cluster.namespace, "delete", "pod", "web-0")
    shop.have(ours)
    assert shop.pod()["spec"]["containers"][0]["image"] == shop.image


def test_a_pod_goes_back_to_what_it_was_and_not_to_what_somebody_made_of_it(shop: Shop) -> None:
    ours = shop.workload()
    shop.have(ours)
    for image in ("absent:1", "absent:2", "absent:3"):
        theirs = ("set", "image", "statefulset", "web", f"web=nexus-ansible-test/{image}")
        shop.server.kubectl("-n", shop.cluster.namespace, *theirs)
    shop.have(shop.workload(env=values(NEW="1")))
    go_back_to(shop.cluster, "web", ours.version)
    take_to(shop.cluster, "web-0", ours.version, LIMIT_S)
    assert shop.pod()["spec"]["containers"][0]["image"] == shop.image


def test_a_version_that_the_cluster_forgot_is_named(shop: Shop) -> None:
    apply_workload(shop.cluster, shop.workload())
    with pytest.raises(AdapterError, match=r"^web: the cluster has no revision of version 0123456789ab; raise keep_"):
        go_back_to(shop.cluster, "web", "0123456789ab")


def test_a_pod_that_is_made_anew_is_another_one(shop: Shop) -> None:
    shop.have(shop.workload())
    before = shop.pod()["metadata"]["uid"]
    restart(shop.cluster, "web-0", LIMIT_S)
    assert shop.pod()["metadata"]["uid"] != before


def test_pods_of_an_autoscaler_stay_and_follow(shop: Shop) -> None:
    first = shop.workload(autoscaled=True)
    shop.have(first)
    shop.server.kubectl("-n", shop.cluster.namespace, "scale", "statefulset", "web", "--replicas=2")
    take_to(shop.cluster, "web-1", first.version, LIMIT_S)
    second = shop.workload(autoscaled=True, env=values(NEW="1"))
    shop.have(second)
    manifests = Manifests({"web": [second.stateful_set, shop.autoscaler(1)]}, shop.labels)
    assert [change.what for change in ensure_pruned(shop.cluster, manifests, True)] == ["Pod/web-1"]
    assert [change.what for change in ensure_pruned(shop.cluster, manifests, False)] == ["Pod/web-1"]
    assert list(ensure_pruned(shop.cluster, manifests, False)) == []
    take_to(shop.cluster, "web-1", second.version, 0)


def test_only_what_is_ours_is_removed(shop: Shop) -> None:
    shop.make("ConfigMap", "foreign", data={"a": "b"})
    secret = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "web-secrets", "key": "PASSWORD"}}}
    shop.have(shop.workload(env=[secret]))
    mark_good(shop.cluster, "web", "0123456789ab")
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": shop.cluster.namespace, "labels": shop.labels},
        "spec": {"clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 80, "protocol": "TCP"}]},
    }
    manifests = Manifests({"web": [service]}, shop.labels)
    assert [change.action for change in ensure_present(shop.cluster, manifests, False)] == ["created"]
    assert list(ensure_present(shop.cluster, manifests, False)) == []
    predicted = {change.what for change in ensure_absent(shop.cluster, manifests, True, remove_data=False)}
    removed = {change.what for change in ensure_absent(shop.cluster, manifests, False, remove_data=False)}
    assert predicted == removed
    assert {what.partition("/")[0] for what in removed} == {"StatefulSet", "Service", "Secret"}
    assert shop.cluster.listed("v1", "Secret", shop.labels) == []
    assert shop.cluster.get(shop.cluster.path("v1", "ConfigMap", "foreign")) is not None


@contextlib.contextmanager
def gated(shop: Shop, directory: Path) -> Iterator[tuple[TcpGate, Cluster]]:
    """The cluster through a gate."""
    data = yaml.safe_load(shop.server.kubectl("config", "view", "--raw", "--minify"))
    entry = data["clusters"][0]["cluster"]
    server = urlsplit(entry["server"])
    with tcp_gate(str(server.hostname), server.port or 443) as gate:
        entry.update({"server": f"https://127.0.0.1:{gate.port}", "tls-server-name": server.hostname})
        kubeconfig = directory / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(data), encoding="utf-8")
        kubeconfig.chmod(0o600)
        yield gate, connected(kubeconfig, shop.cluster.namespace)


def test_an_api_server_that_is_away_for_a_while_is_waited_for(shop: Shop, tmp_path: Path) -> None:
    workload = shop.workload(readinessProbe=probe("test -e /tmp/ready"))
    apply_workload(shop.cluster, workload)
    failures: list[Exception] = []

    def wait(cluster: Cluster) -> None:
        try:
            take_to(cluster, "web-0", workload.version, LIMIT_S)
        except AdapterError as error:
            failures.append(error)

    with gated(shop, tmp_path) as (gate, cluster):
        for version, kind in (("v1", "Pod"), ("apps/v1", "StatefulSet")):
            cluster.path(version, kind)  # as applying has asked for them before
        waiting = threading.Thread(target=wait, args=(cluster,))
        waiting.start()
        gate.shut()
        assert gate.refused.wait(LIMIT_S)
        wait_until(lambda: shop.pod()["status"]["phase"] == "Running", "web-0 runs", LIMIT_S)
        shop.server.kubectl("-n", shop.cluster.namespace, "exec", "web-0", "--", "touch", "/tmp/ready")
        gate.open()
        waiting.join()
    assert failures == []


def test_an_api_server_that_stays_away_is_named(shop: Shop, tmp_path: Path) -> None:
    with gated(shop, tmp_path) as (gate, cluster):
        gate.shut()
        with pytest.raises(UnreachableError, match=f"^https://127.0.0.1:{gate.port} does not answer: "):
            cluster.path("v1", "Pod")


def test_the_account_of_a_control_node_is_enough_for_a_run_and_for_nothing_else(shop: Shop) -> None:
    environment = environment_in(shop.cluster.namespace)
    for one in access_objects(environment):
        shop.server.kubectl("apply", "--filename=-", stdin=json.dumps(one))
    control = shop.as_account(ACCOUNT)
    services = [one for service in environment.services.values() for one in objects_of(environment, service)]
    others = [one for one in services if one["kind"] != "StatefulSet"]
    first, second = control.workload(), control.workload(env=values(NEW="1"))
    manifests = Manifests(
        {"environment": [*environment_objects(environment), *others], "web": [first.stateful_set]}, shop.labels
    )

    assert {one.what.partition("/")[0] for one in ensure_present(control.cluster, manifests, dry_run=False)} == {
        "Namespace",
        *(one["kind"] for one in others),
    }
    control.have(first)
    mark_good(control.cluster, "web", first.version)
    control.have(second)
    go_back_to(control.cluster, "web", first.version)
    take_to(control.cluster, "web-0", first.version, LIMIT_S)
    with pytest.raises(AdapterError, match="Unhealthy: Readiness probe failed: no database"):
        control.have(control.workload(readinessProbe=probe("echo no database; false")), limit_s=SOON_S)
    assert list(ensure_pruned(control.cluster, manifests, dry_run=False)) == []
    for labels in (shop.labels, environment_labels(environment)):
        assert list(ensure_absent(control.cluster, replace(manifests, labels=labels), dry_run=False, remove_data=True))
    with pytest.raises(ApiError, match="forbidden"):
        replace(control.cluster, namespace="kube-system").listed("v1", "Secret", {})


def environment_in(namespace: str) -> Environment:
    """The environment of the golden case, in another namespace."""
    environment = check_project(Project(GOLDEN)).platform.environments["production"]
    return replace(environment, settings={**environment.settings, "namespace": namespace})


def test_a_token_that_is_not_valid_any_more_is_told(shop: Shop) -> None:
    """A token is over with its account, as it is with its time."""
    shop.server.kubectl("-n", shop.cluster.namespace, "create", "serviceaccount", "deployer")
    client = shop.as_account("deployer").cluster.client

    def told() -> str:
        try:
            return replace(shop.cluster, client=client, _found={}).path("v1", "Pod")
        except ApiError as error:
            return str(error)

    assert told().endswith("/pods")
    shop.server.kubectl("-n", shop.cluster.namespace, "delete", "serviceaccount", "deployer")
    wait_until(lambda: not told().endswith("/pods"), "the API server asks for the account again", LIMIT_S)
    assert "does not accept who asks (401): " in told()
    assert "token or certificate is wrong or has expired" in told()
