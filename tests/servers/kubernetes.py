# SPDX-License-Identifier: Apache-2.0
"""A cluster of Kubernetes: the one that the environment names, or a small one of this machine.

The small one is the tool set `shared/kubernetes` beside the project: Kubernetes 1.20, one node, pods in a Docker
engine. Its ports are fixed, so test processes take turns. A cluster that the environment names runs its pods in the
engine of DOCKER_HOST, as of `minikube docker-env`; without one, tests that need images made here are skipped.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.processes import command_line
from tests.servers.debian import CACHE, install, locked, require
from tests.servers.docker import GATEWAY, Engine, running_engine
from tests.servers.playbook import REPOSITORY

GIVEN = "NEXUS_TEST_KUBECONFIG"
BRIDGE = Path("/usr/lib/cni/bridge")
LIMIT_S = 300
STORAGE_CLASS = "nexus-test"
"""Of the volumes that tests offer: a cluster's own ones are left alone."""

NODE = GATEWAY
"""The node as its pods see it: the address of the engine's own bridge is there before the first pod."""

_BETWEEN_PODS = ("DOCKER-USER", "--in-interface", "nxcni0", "--out-interface", "nxcni0", "--jump", "ACCEPT")
"""The engine has the packet filter drop what it does not know, and that is asked about bridges as well."""

_ENGINE_WHERE_IT_IS_LOOKED_FOR = """set -eu
mount --make-private /
mount --make-private /run 2> /dev/null || true
mount --bind "$(dirname "$2")" "$1"
mount -t tmpfs none /run
ln -s "$1/$(basename "$2")" /run/docker.sock
DOCKER_HOST=unix:///run/docker.sock exec "$3"
"""
"""The kubelet takes the engine at /var/run/docker.sock; that it is there, nobody outside its mount namespace sees."""


@dataclass(frozen=True)
class TestCluster:
    """A cluster, by its kubeconfig. `engine` runs its pods, and so has its images."""

    __test__ = False

    kubeconfig: Path
    engine: Engine

    @property
    def has_names(self) -> bool:
        """Whether it has a name server, which answers pods under this name whatever program it is."""
        return bool(self.kubectl("-n", "kube-system", "get", "service", "kube-dns", "--ignore-not-found"))

    def kubectl(self, *arguments: str, stdin: str = "", limit_s: float = LIMIT_S) -> str:
        """Run kubectl and return what it prints; raise RuntimeError with its message when it fails."""
        done = subprocess.run(
            ["kubectl", "--kubeconfig", str(self.kubeconfig), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"kubectl {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def listed(self, *arguments: str) -> list[dict[str, Any]]:
        """The items that `kubectl get` of the arguments tells."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", *arguments, "--output", "json"))["items"]
        return items


@contextlib.contextmanager
def running_cluster() -> Iterator[TestCluster]:
    """Provide the cluster that the environment names, else one of our own until the block ends."""
    require(kubectl="kubernetes-client")
    if given := os.environ.get(GIVEN):
        if "DOCKER_HOST" not in os.environ:
            pytest.skip(f"{GIVEN} is set, but not DOCKER_HOST: the engine that runs the pods of that cluster")
        yield TestCluster(Path(given), Engine(os.environ["DOCKER_HOST"]))
        return
    tools = _tools()
    require(etcd="etcd-server", conntrack="conntrack", xz="xz-utils", unshare="util-linux")
    if not BRIDGE.exists() and not install("containernetworking-plugins"):
        pytest.skip("needs CNI's plugins; as root: apt-get install containernetworking-plugins")
    home, way = CACHE / "kubernetes", CACHE / "kubernetes-engine"
    with running_engine() as engine, locked(CACHE / "kubernetes.lock"), _shared(home):
        environment = {**os.environ, "DOCKER_HOST": engine.host, "NEXUS_TEST_K8S_HOME": str(home)}
        _forget_ended(home / "run")
        _run([str(tools / "down")], environment)
        way.mkdir(exist_ok=True)
        try:
            words = [_ENGINE_WHERE_IT_IS_LOOKED_FOR, "up", str(way), engine.host.removeprefix("unix://")]
            alone = ["unshare", "--mount", "--propagation", "unchanged"]
            told = _run([*alone, "sh", "-c", *words, str(tools / "up")], environment)
            _run(["iptables", "--wait", "--insert", *_BETWEEN_PODS], environment)
            yield TestCluster(Path(told.splitlines()[-1]), engine)
        finally:
            # Also what a test process left that was killed.
            while (
                subprocess.run(
                    ["iptables", "--wait", "--delete", *_BETWEEN_PODS],
                    capture_output=True,
                    check=False,
                    timeout=LIMIT_S,
                ).returncode
                == 0
            ):
                pass
            _run([str(tools / "down")], environment)


def _forget_ended(directory: Path) -> None:
    """Remove the files with ids of processes that were killed: by now other programs may have those ids."""
    for file in directory.glob("*.pid"):
        if not any(file.stem in word for word in command_line(int(file.read_text("ascii")))):
            file.unlink()


@contextlib.contextmanager
def _shared(directory: Path) -> Iterator[None]:
    """Have what the kubelet mounts in a directory seen by the engine, which is in another mount namespace."""
    directory.mkdir(parents=True, exist_ok=True)
    if not directory.is_mount():
        _run(["mount", "--bind", str(directory), str(directory)], dict(os.environ))
    _run(["mount", "--make-shared", str(directory)], dict(os.environ))
    try:
        yield
    finally:
        _run(["umount", "--lazy", str(directory)], dict(os.environ))


@contextlib.contextmanager
def volume(cluster: TestCluster, name: str, parent: Path) -> Iterator[None]:
    """Offer a volume to the first claim that wants one: a directory of the node that all accounts may write to."""
    directory = parent / name
    directory.mkdir(parents=True)
    directory.chmod(0o777)
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": STORAGE_CLASS,
        "hostPath": {"path": str(directory)},
    }
    made = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    cluster.kubectl("apply", "--filename=-", stdin=json.dumps(made))
    try:
        yield
    finally:
        cluster.kubectl("delete", "persistentvolume", name, "--wait=false")


def _tools() -> Path:
    """The tool set, beside the project or further up."""
    for parent in REPOSITORY.parents:
        if (parent / "shared" / "kubernetes" / "up").exists():
            return parent / "shared" / "kubernetes"
    pytest.skip(f"no cluster: set {GIVEN} to the kubeconfig of one")


def _run(argv: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv[-1:])} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
