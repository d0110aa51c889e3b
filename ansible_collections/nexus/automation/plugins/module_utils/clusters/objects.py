# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as they should be: server-side apply, and removal of what nobody wants any more.

https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .api import APPLY, MANAGER, NOT_FOUND, ApiError, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PRUNED = (
    ("networking.k8s.io/v1", "Ingress"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("apps/v1", "StatefulSet"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
)
"""Kinds that are removed with a service, in this order. Claims of volumes, and so data, are not among them."""

_CHANGING = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")


@dataclass(frozen=True)
class Change:
    """An object that was, or would be, made, changed or removed: `kind`/`name` and what was done."""

    what: str
    action: str


def apply_object(cluster: Cluster, wanted: Mapping[str, Any], *, dry_run: bool) -> Change | None:
    """Have an object as it should be; None when it was. Fields of others stay theirs.

    Raises ApiError with the server's reason.
    """
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    version = cluster.offered(wanted["apiVersion"], kind)
    path = cluster.path(version, kind, name)
    before = cluster.get(path)
    query = {"fieldManager": MANAGER, "force": "true", **({"dryRun": "All"} if dry_run else {})}
    body = json.dumps({**wanted, "apiVersion": version})
    try:
        after = cluster.request("PATCH", path, body, APPLY, **query)
    except ApiError as error:
        # A dry run in a namespace that is not there yet.
        if dry_run and before is None and error.status == NOT_FOUND:
            return Change(f"{kind}/{name}", "created")
        raise
    if before is None:
        return Change(f"{kind}/{name}", "created")
    return Change(f"{kind}/{name}", "changed") if _lasting(before) != _lasting(after) else None


def prune(
    cluster: Cluster, labels: Mapping[str, str], wanted: Iterable[tuple[str, str]], needed: str, *, dry_run: bool
) -> Iterator[Change]:
    """Remove objects with the labels that are not wanted, by kind and name, nor named in what is `needed`."""
    kept = set(wanted)
    for api_version, kind in PRUNED:
        version = cluster.offered(api_version, kind)
        for one in cluster.listed(version, kind, labels):
            name = one["metadata"]["name"]
            in_use = kind in {"ConfigMap", "Secret"} and f'"{name}"' in needed
            if (kind, name) in kept or in_use:
                continue
            remove(cluster, version, kind, name, dry_run=dry_run)
            yield Change(f"{kind}/{name}", "removed")


def remove(cluster: Cluster, api_version: str, kind: str, name: str, *, dry_run: bool) -> None:
    """Remove an object and what it owns. One that is gone is no failure. Raises ApiError."""
    query = {"propagationPolicy": "Foreground" if kind == "StatefulSet" else "Background"}
    query |= {"dryRun": "All"} if dry_run else {}
    try:
        cluster.request("DELETE", cluster.path(api_version, kind, name), **query)
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise


def revisions(cluster: Cluster, labels: Mapping[str, str]) -> str:
    """All versions to go back to, as text: in it are the names of what they need."""
    return json.dumps(cluster.listed("apps/v1", "ControllerRevision", _selecting(labels)))


def _selecting(labels: Mapping[str, str]) -> dict[str, str]:
    """Those of the labels that revisions have: they get them from their pods' selector."""
    return {name: value for name, value in labels.items() if not name.endswith("/managed-by")}


def _lasting(one: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in one["metadata"].items() if key not in _CHANGING}
    return {**{key: value for key, value in one.items() if key != "status"}, "metadata": metadata}
