# SPDX-License-Identifier: Apache-2.0
"""PodDisruptionBudgets: what whoever drains a node may take away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.objects import kubernetes_object, selector

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Service


def budget_objects(environment: Environment, service: Service) -> list[dict[str, Any]]:
    """As many as a rolling update may. A single pod has none: it would keep its node from ever being drained."""
    if service.scaling.min_replicas < 2:
        return []
    spec = {
        "maxUnavailable": min(service.scaling.max_unavailable, service.scaling.min_replicas - 1),
        "selector": selector(environment, service.name),
    }
    return [kubernetes_object(environment, "PodDisruptionBudget", service.name, service.name, spec=spec)]
