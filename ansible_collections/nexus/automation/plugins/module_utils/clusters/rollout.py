# SPDX-License-Identifier: GPL-3.0-or-later
"""One pod taken to a version, and the reason when it does not come up."""

from __future__ import annotations

import time
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError, UnreachableError
from .api import MERGE, NOT_FOUND, ApiError, Cluster
from .objects import apply_object
from .pods import is_hopeless, is_ready, reasons
from .workloads import GOOD, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .workloads import Workload

PAUSE_S = 0.5
REVISION = "controller-revision-hash"
"""Label of pods: the revision of the StatefulSet that they were made from."""
PATIENCE = 2
"""Restarts after which a container that ends again and again is given up."""


def pod_version(pod: Mapping[str, Any]) -> str:
    """The version that a pod was made from; empty for one that something else made."""
    return str((pod["metadata"].get("annotations") or {}).get(VERSION, ""))


def action_for(pod: Mapping[str, Any] | None, version: str) -> str:
    """What taking a pod to a version means: `none`, `start` or `restart`."""
    if pod is None:
        return "start"
    if pod_version(pod) != version:
        return "restart"
    return "none" if is_ready(pod) else "start"


def apply_workload(cluster: Cluster, workload: Workload) -> None:
    """Have new pods made as a workload says. What an autoscaler added to their number stays. Raises ApiError."""
    stateful_set = workload.stateful_set
    if workload.autoscaled:
        live = cluster.get(cluster.path("apps/v1", "StatefulSet", stateful_set["metadata"]["name"]))
        spec = stateful_set["spec"]
        now = live["spec"]["replicas"] if live else 0
        stateful_set = {**stateful_set, "spec": {**spec, "replicas": max(now, spec["replicas"])}}
    # The Secret first: pods refer to it.
    for one in (workload.secret, stateful_set):
        if one is not None:
            apply_object(cluster, one, dry_run=False)


def take_to(cluster: Cluster, name: str, version: str, limit_s: float) -> None:
    """Replace a pod that is of another version, and wait until it is ready.

    A pod of the version that is not ready is replaced, too, when it was made from something else: somebody had changed
    the StatefulSet meanwhile. Raises AdapterError with the reason when it is not ready within the limit (seconds), or
    never will be.
    """
    path, owner = cluster.path("v1", "Pod", name), cluster.path("apps/v1", "StatefulSet", name.rpartition("-")[0])
    end = time.monotonic() + limit_s
    deleted: set[str] = set()
    while True:
        pod = _patiently_got(cluster, path, end)
        if pod is not None and pod_version(pod) == version and is_ready(pod):
            return
        if pod is not None and pod["metadata"]["uid"] not in deleted:
            revision = _revision(_patiently_got(cluster, owner, end))
            if pod_version(pod) != version or revision not in {None, pod["metadata"]["labels"].get(REVISION)}:
                _delete(cluster, path, pod["metadata"]["uid"])
                deleted.add(pod["metadata"]["uid"])
            elif revision is not None and is_hopeless(pod, PATIENCE):
                raise AdapterError(_failure(cluster, name, pod))
        if time.monotonic() > end:
            raise AdapterError(f"{_failure(cluster, name, pod)} (waited {limit_s:.0f} s)")
        time.sleep(PAUSE_S)


def go_back_to(cluster: Cluster, service: str, version: str) -> None:
    """Have new pods of a service made from an earlier version. Raises AdapterError when the cluster forgot it.

    The data of a revision is a patch, https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/. It is
    applied and not patched in: what a patch wrote, no later apply would take out again.
    """
    live = cluster.get(cluster.path("apps/v1", "StatefulSet", service))
    template = _template_of(cluster, live, version) if live else None
    if live is None or template is None:
        raise AdapterError(f"{service}: the cluster has no revision of version {version}; raise keep_releases.")
    metadata = {key: live["metadata"][key] for key in ("name", "namespace", "labels")}
    wanted = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata}
    apply_object(cluster, {**wanted, "spec": {**live["spec"], "template": template}}, dry_run=False)


def restart(cluster: Cluster, name: str, limit_s: float) -> None:
    """Have a pod made anew of what it is. Raises AdapterError when it is not ready within the limit (seconds)."""
    path = cluster.path("v1", "Pod", name)
    pod = cluster.get(path)
    if pod is None:
        raise AdapterError(f"there is no pod {name} to restart. Apply the environment.")
    _delete(cluster, path, pod["metadata"]["uid"])
    end = time.monotonic() + limit_s
    while True:
        now = _patiently_got(cluster, path, end)
        if now is not None and now["metadata"]["uid"] != pod["metadata"]["uid"] and is_ready(now):
            return
        if time.monotonic() > end:
            raise AdapterError(f"{_failure(cluster, name, now)} (waited {limit_s:.0f} s)")
        time.sleep(PAUSE_S)


def mark_good(cluster: Cluster, service: str, version: str) -> None:
    """Remember that a version was verified. Raises ApiError."""
    body = {"metadata": {"annotations": {GOOD: version}}}
    cluster.request(
        "PATCH", cluster.path("apps/v1", "StatefulSet", service), body, MERGE, fieldManager="nexus-ansible-verified"
    )


def scale(cluster: Cluster, service: str, replicas: int) -> None:
    """Have so many pods. Raises ApiError."""
    path = f"{cluster.path('apps/v1', 'StatefulSet', service)}/scale"
    cluster.request("PATCH", path, {"spec": {"replicas": replicas}}, MERGE, fieldManager="nexus-ansible")


def _template_of(cluster: Cluster, live: Mapping[str, Any], version: str) -> dict[str, Any] | None:
    """The template of pods that a StatefulSet's revision of this version has.

    Whoever changed the StatefulSet by hand left the version in it and made one more revision of that version. Ours is
    the eldest: nobody writes a version before we do.
    """
    found = []
    for revision in cluster.listed("apps/v1", "ControllerRevision", {}):
        owners = {one["uid"] for one in revision["metadata"].get("ownerReferences") or ()}
        template = (revision.get("data") or {}).get("spec", {}).get("template", {})
        if live["metadata"]["uid"] in owners and pod_version({"metadata": template.get("metadata", {})}) == version:
            found.append((revision["metadata"]["creationTimestamp"], revision["revision"], template))
    if not found:
        return None
    template = min(found, key=itemgetter(0, 1))[2]
    metadata = {key: template["metadata"][key] for key in ("labels", "annotations")}
    return {"metadata": metadata, "spec": template["spec"]}


def _revision(stateful_set: Mapping[str, Any] | None) -> str | None:
    """What new pods are made from; None while the controller has not seen the StatefulSet as it is now."""
    status = (stateful_set or {}).get("status", {})
    if stateful_set is None or status.get("observedGeneration") != stateful_set["metadata"]["generation"]:
        return None
    return str(status.get("updateRevision", ""))


def _patiently_got(cluster: Cluster, path: str, end: float) -> dict[str, Any] | None:
    """What is at a path. An API server that is started anew is waited for until `end`, of the monotonic clock.

    Raises ApiError, and UnreachableError at the end.
    """
    while True:
        try:
            return cluster.get(path)
        except UnreachableError:
            if time.monotonic() > end:
                raise
        time.sleep(PAUSE_S)


def _delete(cluster: Cluster, path: str, uid: str) -> None:
    """Delete exactly this pod, not one that took its place meanwhile."""
    try:
        cluster.request("DELETE", path, {"preconditions": {"uid": uid}})
    except ApiError as error:
        if error.status not in {NOT_FOUND, 409}:
            raise


def _failure(cluster: Cluster, name: str, pod: Mapping[str, Any] | None) -> str:
    """Why a pod is not ready: its own state, then what the cluster last warned of.

    Warnings are about this very pod, not one that had the name before; while there is none, about its StatefulSet.
    """
    told = list(reasons(pod)) if pod else []
    events = (cluster.get(f"/api/v1/namespaces/{cluster.namespace}/events") or {}).get("items") or []
    about = ("uid", pod["metadata"]["uid"]) if pod else ("name", name.rpartition("-")[0])
    warnings = [
        one for one in events if one.get("type") == "Warning" and one["involvedObject"].get(about[0]) == about[1]
    ]
    warnings.sort(key=lambda one: one.get("lastTimestamp") or one.get("eventTime") or "")
    told += [f"{one.get('reason')}: {one.get('message')}" for one in warnings[-2:]]
    return f"pod {name} is not ready: {'; '.join(dict.fromkeys(told)) or 'the cluster gives no reason'}"
