# SPDX-License-Identifier: Apache-2.0
"""StatefulSets: the pods of a service, each with a number and a volume that it keeps.

Every service is one, not only those with data: instance 2 is pod 1 for as long as there is one, which is what makes
`status`, a step on one instance, and a rollout of one batch mean the same as on machines.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.clusters import cluster_of
from nexus_ansible.compile.kubernetes.containers import DATA, Content, content
from nexus_ansible.compile.kubernetes.nginx import FOLDER, STATE
from nexus_ansible.compile.kubernetes.objects import (
    kubernetes_object,
    pod_selector,
    selector,
    service_labels,
    without_nothing,
)
from nexus_ansible.compile.kubernetes.ports import NAME, pod_port
from nexus_ansible.compile.kubernetes.probes import probes
from nexus_ansible.compile.kubernetes.services import pods_service

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Service


def workload_objects(environment: Environment, service: Service) -> list[dict[str, Any]]:
    """The service's configuration, named after a digest of it, and its StatefulSet.

    Another configuration is another object: pods that go back find the one that they had.
    """
    made = content(environment, service)
    configuration = _configuration_name(service, made)
    objects = []
    if made.files:
        objects.append(
            kubernetes_object(
                environment, "ConfigMap", configuration, service.name, data=dict(sorted(made.files.items()))
            )
        )
    return [*objects, _stateful_set(environment, service, made, configuration)]


def _configuration_name(service: Service, made: Content) -> str:
    digest = hashlib.sha256(repr(sorted(made.files.items())).encode()).hexdigest()
    return f"{service.name}-{digest[:10]}"


def _stateful_set(environment: Environment, service: Service, made: Content, configuration: str) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "serviceName": pods_service(service),
        "replicas": service.scaling.min_replicas,
        # A pod that never becomes ready must not keep the others from being replaced by what works.
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "revisionHistoryLimit": service.keep_releases,
        "selector": selector(environment, service.name),
        "template": {
            "metadata": {"labels": service_labels(environment, service.name)},
            "spec": _pod(environment, service, made, configuration),
        },
    }
    if made.keeps_data:
        spec["volumeClaimTemplates"] = [_claim(environment, service)]
    return kubernetes_object(environment, "StatefulSet", service.name, service.name, spec=spec)


def _claim(environment: Environment, service: Service) -> dict[str, Any]:
    storage = cluster_of(environment).storage
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage.class_name,
        "resources": {"requests": {"storage": storage.size}},
    }
    labels = service_labels(environment, service.name)
    return {"metadata": {"name": "data", "labels": labels}, "spec": without_nothing(spec)}


def _pod(environment: Environment, service: Service, made: Content, configuration: str) -> dict[str, Any]:
    cluster = cluster_of(environment)
    grace = math.ceil(cluster.drain + service.drain_timeout + service.stop_timeout)
    volumes: list[dict[str, Any]] = [{"name": "runtime", "emptyDir": {}}]
    if made.files:
        volumes.append({"name": "files", "configMap": {"name": configuration}})
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": made.user,
            "runAsGroup": made.user,
            "fsGroup": made.user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [{"name": cluster.pull_secret}] if cluster.pull_secret else None,
        "containers": [_container(environment, service, made)],
        "volumes": volumes,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": service.placement.spread or "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": pod_selector(environment, service.name)},
            }
        ],
        "nodeSelector": dict(service.placement.labels),
    }
    return without_nothing(spec) | _name_servers(environment)


def _name_servers(environment: Environment) -> dict[str, Any]:
    cluster = cluster_of(environment)
    if not cluster.nameservers:
        return {}
    searches = [f"{cluster.namespace}.svc.{cluster.domain}", f"svc.{cluster.domain}", cluster.domain]
    return {"dnsPolicy": "None", "dnsConfig": {"nameservers": list(cluster.nameservers), "searches": searches}}


def _container(environment: Environment, service: Service, made: Content) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [{"name": "runtime", "mountPath": STATE}]
    if made.files:
        mounts.append({"name": "files", "mountPath": FOLDER, "readOnly": True})
    if made.keeps_data:
        mounts.append({"name": "data", "mountPath": DATA})
    container = {
        "name": service.name,
        "image": made.image,
        "imagePullPolicy": cluster_of(environment).pull_policy,
        "command": [word.replace("$(", "$$(") for word in made.command],
        "workingDir": made.directory,
        "env": made.variables,
        "ports": [{"name": NAME, "containerPort": pod_port(environment, service.name), "protocol": "TCP"}],
        "resources": _resources(service),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", _farewell(environment, made)]}}},
        "volumeMounts": mounts,
        **probes(service),
    }
    return without_nothing(container)


def _farewell(environment: Environment, made: Content) -> str:
    """Wait until nothing new is sent here; then the signal that ends a server gently, where that is not TERM."""
    wait = f"sleep {cluster_of(environment).drain}"
    return (
        wait if made.stop_signal == "TERM" else f"{wait}; kill -{made.stop_signal} 1; while kill -0 1; do sleep 1; done"
    )


def _resources(service: Service) -> dict[str, Any]:
    """What one instance may use is also what it asks for: only then is a target in percent of something."""
    amounts = {}
    if "cpu" in service.resources:
        amounts["cpu"] = f"{math.ceil(service.resources['cpu'] * 1000)}m"
    if "memory" in service.resources:
        amounts["memory"] = str(int(service.resources["memory"]))
    return {"requests": dict(amounts), "limits": dict(amounts)} if amounts else {}
