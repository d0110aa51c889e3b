# SPDX-License-Identifier: Apache-2.0
"""Ingresses: the way from the cluster's own controller to the proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.clusters import cluster_of
from nexus_ansible.compile.kubernetes.objects import kubernetes_object, without_nothing
from nexus_ansible.compile.kubernetes.ports import NAME

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Service


def ingress_objects(environment: Environment, service: Service) -> list[dict[str, Any]]:
    """One for the proxy where the environment wants one; routes stay the proxy's, so they mean the same everywhere.

    Without `tls.hosts` the certificate is for every host: AWX would take the key `hosts` for a playbook's.
    """
    ingress = cluster_of(environment).ingress
    if ingress is None or service.capability != "proxy":
        return []
    backend = {"service": {"name": service.name, "port": {"name": NAME}}}
    rule = {"host": ingress.host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec = {
        "ingressClassName": ingress.class_name,
        "rules": [without_nothing(rule)],
        "tls": [{"secretName": ingress.tls_secret}] if ingress.tls_secret else None,
    }
    return [kubernetes_object(environment, "Ingress", service.name, service.name, spec=without_nothing(spec))]
