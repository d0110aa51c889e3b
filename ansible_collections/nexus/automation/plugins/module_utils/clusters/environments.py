# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment in a cluster: everything that its manifests tell, and nothing else that has its labels."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from .api import Cluster
from .objects import Change, apply_object, prune, remove, revisions
from .rollout import pod_version, scale, take_to

if TYPE_CHECKING:
    from collections.abc import Iterator

GONE_LIMIT_S = 300
FOLLOWER_LIMIT_S = 300
PAUSE_S = 0.5


@dataclass(frozen=True)
class Manifests:
    """The objects of each file; `labels` are those of everything in the environment."""

    files: dict[str, list[dict[str, Any]]]
    labels: dict[str, str]

    @property
    def objects(self) -> list[dict[str, Any]]:
        """All of them, namespace first."""
        return sorted(
            (one for every in self.files.values() for one in every), key=lambda one: one["kind"] != "Namespace"
        )

    @property
    def stateful_sets(self) -> dict[str, dict[str, Any]]:
        """Those of the services, by name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == "StatefulSet"}


def read_manifests(folder: str) -> Manifests:
    """Read compiled manifests. Raises AdapterError naming the folder."""
    try:
        import yaml
    except ImportError as error:
        raise AdapterError("Python's yaml is missing: pip install pyyaml") from error
    try:
        files = {
            path.stem: [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one]
            for path in sorted(Path(folder).glob("*.yaml"))
            if path.name != "kustomization.yaml"
        }
        namespace = next(one for one in files["environment"] if one["kind"] == "Namespace")
    except (OSError, KeyError, StopIteration, yaml.YAMLError) as error:
        raise AdapterError(f"{folder}: no compiled manifests ({error!r}). Run `nexus-ansible compile`.") from error
    return Manifests(files, dict(namespace["metadata"]["labels"]))


def ensure_present(cluster: Cluster, manifests: Manifests, dry_run: bool) -> Iterator[Change]:
    """Apply everything but StatefulSets."""
    for one in manifests.objects:
        if one["kind"] != "StatefulSet":
            change = apply_object(cluster, one, dry_run=dry_run)
            if change:
                yield change


def ensure_pruned(cluster: Cluster, manifests: Manifests, dry_run: bool) -> Iterator[Change]:
    """Remove what left the manifests, then the pods beyond the number that a service has.

    How many pods there are beyond it is an autoscaler's business, but they run what the others do. Secrets are no part
    of manifests: those in use are kept.
    """
    scaled = {one["metadata"]["name"] for one in manifests.objects if one["kind"] == "HorizontalPodAutoscaler"}
    live = {one["metadata"]["name"]: one for one in cluster.listed("apps/v1", "StatefulSet", manifests.labels)}
    for name, wanted in manifests.stateful_sets.items():
        replicas = wanted["spec"]["replicas"]
        if name in live and name in scaled:
            yield from _have_followers(cluster, live[name], replicas, dry_run)
        elif name in live and live[name]["spec"]["replicas"] > replicas:
            if not dry_run:
                scale(cluster, name, replicas)
                _wait_until_gone(cluster, manifests.labels, name, replicas)
            yield Change(f"StatefulSet/{name}", "scaled")
    kept = [(one["kind"], one["metadata"]["name"]) for one in manifests.objects]
    yield from prune(cluster, manifests.labels, kept, revisions(cluster, manifests.labels), dry_run=dry_run)


def ensure_absent(cluster: Cluster, manifests: Manifests, dry_run: bool, *, remove_data: bool) -> Iterator[Change]:
    """Remove everything with the environment's labels, wait until no pod is left, and then its data if need be."""
    labels = {**manifests.labels}
    for name in cluster_sets(cluster, labels):
        remove(cluster, "apps/v1", "StatefulSet", name, dry_run=dry_run)
        yield Change(f"StatefulSet/{name}", "removed")
    if not dry_run:
        _wait_until_gone(cluster, labels)
    yield from prune(cluster, labels, (), "", dry_run=dry_run)
    for claim in cluster.listed("v1", "PersistentVolumeClaim", labels) if remove_data else ():
        name = claim["metadata"]["name"]
        remove(cluster, "v1", "PersistentVolumeClaim", name, dry_run=dry_run)
        yield Change(f"PersistentVolumeClaim/{name}", "removed")


def cluster_sets(cluster: Cluster, labels: dict[str, str]) -> list[str]:
    """Names of the environment's StatefulSets that are there."""
    return [one["metadata"]["name"] for one in cluster.listed("apps/v1", "StatefulSet", labels)]


def _have_followers(cluster: Cluster, live: dict[str, Any], first: int, dry_run: bool) -> Iterator[Change]:
    """Take the pods from a number on, one after the other, to the version of the rest."""
    service, version = live["metadata"]["name"], pod_version(live["spec"]["template"])
    for number in range(first, live["spec"]["replicas"]):
        name = f"{service}-{number}"
        pod = cluster.get(cluster.path("v1", "Pod", name))
        if pod is not None and pod_version(pod) != version:
            if not dry_run:
                take_to(cluster, name, version, FOLLOWER_LIMIT_S)
            yield Change(f"Pod/{name}", "changed")


def _wait_until_gone(cluster: Cluster, labels: dict[str, str], service: str = "", replicas: int = 0) -> None:
    """Wait for pods to end: those of a service from a number on, or all with their sets. Raises AdapterError."""
    end = time.monotonic() + GONE_LIMIT_S
    while left := [
        *(name for name in _pods(cluster, labels) if _is_beyond(name, service, replicas)),
        *(() if service else cluster_sets(cluster, labels)),
    ]:
        if time.monotonic() > end:
            raise AdapterError(f"still there after {GONE_LIMIT_S} s: {', '.join(left)}. Look at their finalizers.")
        time.sleep(PAUSE_S)


def _pods(cluster: Cluster, labels: dict[str, str]) -> list[str]:
    return [one["metadata"]["name"] for one in cluster.listed("v1", "Pod", labels)]


def _is_beyond(pod: str, service: str, replicas: int) -> bool:
    name, _, number = pod.rpartition("-")
    return not service or (name == service and number.isdigit() and int(number) >= replicas)
