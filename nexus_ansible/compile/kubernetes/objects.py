# SPDX-License-Identifier: Apache-2.0
"""What objects have in common: API version, name, and the labels by which they are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.clusters import cluster_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.platform import Environment

MANAGER = "nexus-ansible"
SERVICE = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
INSTANCE = "app.kubernetes.io/instance"
MANAGED_BY = "app.kubernetes.io/managed-by"
RELEASE = "nexus.automation/release"
"""Annotation of pods: the release that an apply gave them."""

_VERSIONS = {
    "ConfigMap": (((1, 0), "v1"),),
    "HorizontalPodAutoscaler": (((1, 23), "autoscaling/v2"), ((1, 0), "autoscaling/v2beta2")),
    "Ingress": (((1, 0), "networking.k8s.io/v1"),),
    "Namespace": (((1, 0), "v1"),),
    "NetworkPolicy": (((1, 0), "networking.k8s.io/v1"),),
    "PodDisruptionBudget": (((1, 21), "policy/v1"), ((1, 0), "policy/v1beta1")),
    "Role": (((1, 0), "rbac.authorization.k8s.io/v1"),),
    "RoleBinding": (((1, 0), "rbac.authorization.k8s.io/v1"),),
    "Service": (((1, 0), "v1"),),
    "ServiceAccount": (((1, 0), "v1"),),
    "StatefulSet": (((1, 0), "apps/v1"),),
}
"""By kind, since which Kubernetes each API version is there, the newest first.

https://kubernetes.io/docs/reference/using-api/deprecation-guide/ tells when the older ones went.
"""


def kubernetes_object(
    environment: Environment, kind: str, name: str, service: str | None = None, **fields: Any
) -> dict[str, Any]:
    """An object of the environment; of one of its services, where it is one's. `fields` stand beside its metadata."""
    labels = environment_labels(environment) if service is None else service_labels(environment, service)
    metadata: dict[str, Any] = {"name": name, "labels": labels}
    if kind != "Namespace":
        metadata["namespace"] = cluster_of(environment).namespace
    return {"apiVersion": _api_version(environment, kind), "kind": kind, "metadata": metadata, **fields}


def environment_labels(environment: Environment) -> dict[str, str]:
    """Labels of everything that belongs to an environment, and of nothing else."""
    return {MANAGED_BY: MANAGER, PART_OF: environment.project, INSTANCE: environment.name}


def service_labels(environment: Environment, service: str) -> dict[str, str]:
    """Labels of everything that belongs to a service of the environment."""
    return {**environment_labels(environment), SERVICE: service}


def selector(environment: Environment, service: str) -> dict[str, Any]:
    """The pods of a service. A StatefulSet's selector never changes, so it holds names only."""
    return {"matchLabels": pod_selector(environment, service)}


def pod_selector(environment: Environment, service: str) -> dict[str, str]:
    """The same for objects that take no `matchLabels`."""
    return {PART_OF: environment.project, INSTANCE: environment.name, SERVICE: service}


def without_nothing(data: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is said at all."""
    return {key: value for key, value in data.items() if value not in (None, {}, [], ())}


def _api_version(environment: Environment, kind: str) -> str:
    return next(name for since, name in _VERSIONS[kind] if cluster_of(environment).version >= since)
