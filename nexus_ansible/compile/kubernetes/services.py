# SPDX-License-Identifier: Apache-2.0
"""Service objects: under which name a service is reached, and where connections to it go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.clusters import cluster_of
from nexus_ansible.compile.kubernetes.objects import kubernetes_object, pod_selector
from nexus_ansible.compile.kubernetes.ports import NAME, reached_port

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Service

HEADLESS = "None"


def pods_service(service: Service) -> str:
    """Name under which each pod of a service has a name of its own: `backend-0.backend-pods`."""
    return f"{service.name}-pods"


def service_objects(environment: Environment, service: Service) -> list[dict[str, Any]]:
    """The service under its own name, and the names of its pods.

    Pods have names before they are ready, because those that make up a cluster have to find each other first.
    """
    port = {"name": NAME, "port": reached_port(environment, service.name), "protocol": "TCP", "targetPort": NAME}
    pods = pod_selector(environment, service.name)
    main: dict[str, Any] = {"type": "ClusterIP", "selector": pods, "ports": [port]}
    if cluster_of(environment).addresses == "pods":
        main["clusterIP"] = HEADLESS
    names = {"type": "ClusterIP", "clusterIP": HEADLESS, "publishNotReadyAddresses": True, "selector": pods}
    return [
        kubernetes_object(environment, "Service", service.name, service.name, spec=main),
        kubernetes_object(environment, "Service", pods_service(service), service.name, spec={**names, "ports": [port]}),
    ]
