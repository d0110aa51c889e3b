# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods as instances: what each runs, and why one is not ready."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .workloads import GOOD, RELEASE, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .api import Cluster

ID_LENGTH = 12
_ORDINAL = re.compile(r"(.+)-([0-9]+)")
_HOPELESS = {"CreateContainerConfigError", "ErrImageNeverPull", "InvalidImageName"}
"""Reasons for waiting that do not go away by waiting, as kubelet names them."""


@dataclass(frozen=True)
class Instance:
    """A pod by the name of its instance; `uptime` in seconds, `pid` the id of its container, None where none runs."""

    state: str
    ready: bool
    pid: str | None
    uptime: float | None
    version: str
    good: str
    release: str
    detail: str


def observe(cluster: Cluster, labels: Mapping[str, str], now: datetime) -> dict[str, Instance]:
    """Instances by name: `backend-2` is the pod `backend-1`. What an autoscaler added is its own business."""
    sets = {one["metadata"]["name"]: one for one in cluster.listed("apps/v1", "StatefulSet", labels)}
    version = cluster.offered("autoscaling/v2", "HorizontalPodAutoscaler")
    least = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"].get("minReplicas", 1)
        for one in cluster.listed(version, "HorizontalPodAutoscaler", labels)
    }
    instances = {}
    for pod in cluster.listed("v1", "Pod", labels):
        found = _ORDINAL.fullmatch(pod["metadata"]["name"])
        if found and found[1] in sets and int(found[2]) < least.get(found[1], int(found[2]) + 1):
            instances[f"{found[1]}-{int(found[2]) + 1}"] = describe(pod, sets[found[1]], now)
    return instances


def describe(pod: Mapping[str, Any], stateful_set: Mapping[str, Any], now: datetime) -> Instance:
    """What a pod runs."""
    status = next(iter(pod["status"].get("containerStatuses") or ()), {})
    running = (status.get("state") or {}).get("running")
    annotations = pod["metadata"].get("annotations") or {}
    started = datetime.fromisoformat(running["startedAt"]) if running else None
    ready = is_ready(pod)
    return Instance(
        state="running" if running and "deletionTimestamp" not in pod["metadata"] else "stopped",
        ready=ready,
        pid=status.get("containerID", "").rpartition("/")[2][:ID_LENGTH] if running else None,
        uptime=max(0.0, (now - started).total_seconds()) if started else None,
        version=annotations.get(VERSION, ""),
        good=(stateful_set["metadata"].get("annotations") or {}).get(GOOD, ""),
        release=annotations.get(RELEASE, ""),
        detail="ready" if ready else "; ".join(reasons(pod)) or "not ready yet",
    )


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether the cluster sends requests to it."""
    return "deletionTimestamp" not in pod["metadata"] and any(
        one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions") or ()
    )


def reasons(pod: Mapping[str, Any]) -> Iterator[str]:
    """Why a pod is not ready, in the words of the scheduler and the kubelet: image, container, exit, node."""
    for one in pod["status"].get("conditions") or ():
        if one["type"] == "PodScheduled" and one["status"] == "False":
            yield f"no node takes it: {one.get('message', one.get('reason', ''))}"
    for status in pod["status"].get("containerStatuses") or ():
        waiting = (status.get("state") or {}).get("waiting")
        ended = (status.get("lastState") or {}).get("terminated") or (status.get("state") or {}).get("terminated")
        if waiting and waiting.get("reason") not in {None, "ContainerCreating", "PodInitializing"}:
            yield f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
        if ended:
            yield f"its container ended with {ended.get('exitCode')} ({ended.get('reason', 'unknown')})"


def is_hopeless(pod: Mapping[str, Any], patience: int) -> bool:
    """Whether waiting longer is of no use: a reason that stays, or more restarts than `patience`."""
    for status in pod["status"].get("containerStatuses") or ():
        reason = ((status.get("state") or {}).get("waiting") or {}).get("reason")
        if reason in _HOPELESS or (reason == "CrashLoopBackOff" and status.get("restartCount", 0) >= patience):
            return True
    return False
