# SPDX-License-Identifier: Apache-2.0
"""A cluster of Kubernetes. What it lacks, images, volumes and a name server, are the tests' own."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.cluster_dns import serving_names
from tests.servers.images import CLUSTER, provide
from tests.servers.kubernetes import NODE, STORAGE_CLASS, TestCluster, running_cluster, volume
from tests.servers.strategy import FAST

PORT = 8080
CAPABILITIES = ("web", "postgresql", "redis", "proxy")
KINDS = "pods,statefulsets,services,configmaps,secrets,networkpolicies,poddisruptionbudgets,controllerrevisions"
OURS = "app.kubernetes.io/managed-by=nexus-ansible"


@dataclass(frozen=True)
class KubernetesGround:
    """A namespace of a cluster that has the image, volumes, and a name server."""

    cluster: TestCluster
    image: str
    names: dict[str, Any]
    namespace: str = field(default_factory=lambda: f"nexus-contract-{uuid.uuid4().hex[:8]}")
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, Any]:
        """Images are in the engine already."""
        return {
            "runner": "kubernetes",
            "kubernetes": {
                "kubeconfig": str(self.cluster.kubeconfig),
                "namespace": self.namespace,
                "version": "1.20",
                "images": {
                    "engine": self.cluster.engine.host,
                    "pull": "Never",
                    **dict.fromkeys(CAPABILITIES, self.image),
                },
                "storage": {"class": STORAGE_CLASS},
                **self.names,
            },
            "overrides": FAST,
        }

    @property
    def url(self) -> str:
        """The proxy's address: that of its pod, which another pod does not have."""
        address = self._kubectl("get", "pod", "proxy-0", "--output=jsonpath={.status.podIP}")
        return f"http://{address}:{PORT}"

    def kill(self, instance: dict[str, Any]) -> None:
        """Kill the process of its container."""
        self.cluster.engine.docker("kill", "--signal", "KILL", instance["pid"])

    def stop(self, instance: dict[str, Any]) -> None:
        """Have its pod made anew from an image that is nowhere."""
        service, _, number = instance["instance"].rpartition("-")
        self._kubectl("set", "image", f"statefulset/{service}", f"{service}=nexus-ansible-test/absent:1")
        self._kubectl("delete", "pod", f"{service}-{int(number) - 1}")

    def left(self) -> list[str]:
        """Objects of the environment."""
        return self._kubectl("get", KINDS, "--selector", OURS, "--output=name").splitlines()

    def _kubectl(self, *arguments: str) -> str:
        return self.cluster.kubectl("-n", self.namespace, *arguments)


@contextlib.contextmanager
def kubernetes_ground(project: Path) -> Iterator[KubernetesGround]:
    """Start the cluster, and what it lacks. Without a name server it has no kube-proxy either: pods meet directly."""
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(running_cluster())
        names: dict[str, Any] = {}
        if not cluster.has_names:
            stack.enter_context(serving_names(cluster.kubeconfig, NODE))
            names = {"addresses": "pods", "dns": {"servers": [NODE]}}
        ground = KubernetesGround(cluster, provide(cluster.engine, CLUSTER), names)
        for number in range(2):
            stack.enter_context(volume(cluster, f"{ground.namespace}-{number}", project.parent))
        try:
            yield ground
        finally:
            cluster.kubectl("delete", "namespace", ground.namespace, "--ignore-not-found")
