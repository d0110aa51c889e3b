# SPDX-License-Identifier: Apache-2.0
"""NetworkPolicies: who may connect to whom. Only the arrows of the registry are open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.objects import environment_labels, kubernetes_object, pod_selector
from nexus_ansible.compile.kubernetes.ports import NAME

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Service

CLOSED = "closed"


def closed_object(environment: Environment) -> dict[str, Any]:
    """Nobody connects to a pod of the environment, unless another policy lets them."""
    labels = environment_labels(environment)
    spec = {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"]}
    return kubernetes_object(environment, "NetworkPolicy", CLOSED, spec=spec)


def policy_objects(environment: Environment, service: Service) -> list[dict[str, Any]]:
    """Who may connect to a service: everybody to the proxy, to others those that depend on them.

    The arrow to a web service goes through the proxy, where there is one; then only the proxy comes.
    """
    rule: dict[str, Any] = {"ports": [{"port": NAME, "protocol": "TCP"}]}
    if service.capability != "proxy":
        callers = _callers(environment, service)
        if not callers:
            return []
        rule["from"] = [{"podSelector": {"matchLabels": pod_selector(environment, caller)}} for caller in callers]
    spec = {
        "podSelector": {"matchLabels": pod_selector(environment, service.name)},
        "policyTypes": ["Ingress"],
        "ingress": [rule],
    }
    return [kubernetes_object(environment, "NetworkPolicy", service.name, service.name, spec=spec)]


def _callers(environment: Environment, service: Service) -> list[str]:
    dependents = environment.dependents[service.name]
    if service.capability != "web" or not environment.proxies:
        return sorted(dependents)
    return sorted(environment.proxies) if service.routes or dependents else []
