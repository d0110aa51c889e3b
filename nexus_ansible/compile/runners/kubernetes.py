# SPDX-License-Identifier: Apache-2.0
"""A cluster of Kubernetes: instances are the pods of StatefulSets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.clusters import cluster_of
from nexus_ansible.compile.kubernetes.manifests import ENVIRONMENT, manifest_files
from nexus_ansible.compile.kubernetes.ports import pod_port, reached_port
from nexus_ansible.compile.literal import literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.model.platform import Environment, Instance
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

LONGEST = 52
"""Characters of a service's name: Kubernetes labels pods with it, a hyphen and ten more, and takes 63."""

_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_RESERVED = {ENVIRONMENT.removesuffix(".yaml"), "kustomization"}
_FROM_HERE = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


class KubernetesRunner:
    """One machine, the cluster; instances are reached as its pods, through its API."""

    role = "nexus.automation.runner_kubernetes"
    settings = frozenset({"kubernetes"})
    passes = frozenset({"DOCKER_*", "K8S_AUTH_*", "KUBECONFIG", "KUBERNETES_*", "NEXUS_IN_ITS_OWN_CLUSTER"})

    def requires(self, environment: Environment) -> list[str]:
        """The cluster's client, and that of the engine where images are made of services with a source."""
        has_source = any(service.source is not None for service in environment.services.values())
        return ["kubernetes", *(["docker"] if has_source else [])]

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """Names must be such that Kubernetes takes, and the proxy is nginx."""
        services: Mapping[str, Any] = registries.get(("orchestration", "services"), {})
        chosen = (registries.get(path) or {}).get("services", services)
        for name in services:
            if name in chosen:
                yield from _check_service(registries, name, services[name])

    def variables(self, environment: Environment) -> dict[str, Any]:
        """The cluster, and where what it is to run is written."""
        cluster = cluster_of(environment)
        file = cluster.kubeconfig
        if file and not file.startswith(("/", "~")):
            file = f"{{{{ nexus_root }}}}/{file}"
        given = {
            "runner_kubernetes_context": cluster.context,
            "runner_kubernetes_docker_host": cluster.engine,
            "runner_kubernetes_kubeconfig": file,
        }
        return {
            "nexus_machine": literal(cluster.name),
            "runner_kubernetes_base": literal(cluster.images["web"]),
            "runner_kubernetes_manifests": f"{{{{ nexus_root }}}}/manifests/{environment.name}",
            "runner_kubernetes_namespace": cluster.namespace,
            "runner_installs": True,
            "runner_kubernetes_python": dict(cluster.python),
            "runner_kubernetes_push": cluster.registry is not None,
            "runner_kubernetes_images": {
                service.group: cluster.image(service.name, environment.project)
                for service in environment.services.values()
                if service.source is not None
            },
            **{key: value for key, value in given.items() if value is not None},
        }

    def machines(self, environment: Environment) -> dict[str, dict[str, Any]]:
        """The cluster is one machine, which has all instances."""
        return {cluster_of(environment).name: {"nexus_address": "", "nexus_instances": "{{ groups['services'] }}"}}

    def connection(self, environment: Environment) -> dict[str, Any]:  # noqa: ARG002
        """Everything goes through the cluster's API, which the control node talks to."""
        return _FROM_HERE

    def placement(self, environment: Environment, instance: Instance) -> dict[str, Any]:
        """Others find it by the name of its service; its pod has the number before its own."""
        return {
            "nexus_address": instance.service,
            "service_port": reached_port(environment, instance.service),
            "runner_kubernetes_pod": f"{instance.service}-{instance.index - 1}",
            "runner_kubernetes_port": pod_port(environment, instance.service),
        }

    def addresses(self, environment: Environment) -> list[str]:
        """That of the Ingress, where it names a host. What a cluster gives without one, only it knows."""
        ingress = cluster_of(environment).ingress
        if ingress is None or ingress.host is None:
            return []
        return [f"{'https' if ingress.tls_secret else 'http'}://{ingress.host}/"]

    def files(self, environment: Environment) -> dict[str, str]:
        """The manifests of everything that the cluster is to have, which kubectl takes as well."""
        return manifest_files(environment)


def _check_service(registries: Registries, name: str, data: Mapping[str, Any]) -> Iterator[Problem]:
    path: KeyPath = ("orchestration", "services", name)
    if not _NAME.fullmatch(name) or len(name) > LONGEST or name in _RESERVED or name.endswith("-pods"):
        what = f'the runner "kubernetes" cannot have a service "{name}"'
        hint = (
            f"Use at most {LONGEST} lower-case letters, digits and hyphens, not -pods at the end, "
            f"and none of: {', '.join(sorted(_RESERVED))}."
        )
        yield registries.problem(path, what, hint, key=True)
    if data.get("settings", {}).get("server") == "caddy":
        what = 'the proxy of the runner "kubernetes" is nginx'
        yield registries.problem((*path, "settings", "server"), what, "Remove the line, or write nginx.")
