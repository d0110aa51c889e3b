# SPDX-License-Identifier: Apache-2.0
"""HorizontalPodAutoscalers: the numbers of `scaling`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.objects import kubernetes_object

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Service


def autoscaler_objects(environment: Environment, service: Service) -> list[dict[str, Any]]:
    """One where there is room and a target.

    A target is a share of what a pod asks for, so it means nothing for a service whose `resources` do not say it. What
    keeps data is not scaled: another empty database is no help.
    """
    scaling = service.scaling
    targets = {"cpu": scaling.target_cpu, "memory": scaling.target_memory}
    metrics = [
        {
            "type": "Resource",
            "resource": {"name": name, "target": {"type": "Utilization", "averageUtilization": target}},
        }
        for name, target in targets.items()
        if target is not None and name in service.resources
    ]
    if not metrics or service.capability != "web" or not 0 < scaling.min_replicas < scaling.max_replicas:
        return []
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": service.name},
        "minReplicas": scaling.min_replicas,
        "maxReplicas": scaling.max_replicas,
        "metrics": metrics,
    }
    return [kubernetes_object(environment, "HorizontalPodAutoscaler", service.name, service.name, spec=spec)]
