# SPDX-License-Identifier: Apache-2.0
"""All objects of an environment as files: what an apply sends, and what kubectl and GitOps take as they are.

Two things only an apply knows: the release of an image, and what is in a Secret. So images have no tag here, which
`kustomize edit set image` gives them, and Secrets are only referred to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.access import access_objects
from nexus_ansible.compile.kubernetes.autoscalers import autoscaler_objects
from nexus_ansible.compile.kubernetes.budgets import budget_objects
from nexus_ansible.compile.kubernetes.clusters import cluster_of
from nexus_ansible.compile.kubernetes.ingresses import ingress_objects
from nexus_ansible.compile.kubernetes.network_policies import closed_object, policy_objects
from nexus_ansible.compile.kubernetes.objects import kubernetes_object
from nexus_ansible.compile.kubernetes.services import service_objects
from nexus_ansible.compile.kubernetes.workloads import workload_objects
from nexus_ansible.compile.paths import manifest_file
from nexus_ansible.compile.yaml_text import yaml_text

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment, Service

ENVIRONMENT = "environment.yaml"
"""File of what belongs to no service. No service has the name, because its file would."""

ACCESS = "control-node/access.yaml"
"""File of the account that a control node may have. It stands apart, because an apply has no right to give rights."""

_KUSTOMIZATION = "kustomization.yaml"


def environment_objects(environment: Environment) -> list[dict[str, Any]]:
    """What belongs to no service: the namespace, and the policy that closes it."""
    namespace = kubernetes_object(environment, "Namespace", cluster_of(environment).namespace)
    return [namespace, closed_object(environment)]


def objects_of(environment: Environment, service: Service) -> list[dict[str, Any]]:
    """Everything that one service is."""
    return [
        *service_objects(environment, service),
        *policy_objects(environment, service),
        *budget_objects(environment, service),
        *workload_objects(environment, service),
        *autoscaler_objects(environment, service),
        *ingress_objects(environment, service),
    ]


def manifest_files(environment: Environment) -> dict[str, str]:
    """Text of the manifests by path in the project: one file for each service, and a kustomization of all."""
    files = {ENVIRONMENT: yaml_text(*environment_objects(environment))}
    files |= {
        f"{name}.yaml": yaml_text(*objects_of(environment, service)) for name, service in environment.services.items()
    }
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(files),
    }
    files[_KUSTOMIZATION] = yaml_text(kustomization)
    files[ACCESS] = yaml_text(*access_objects(environment))
    return {manifest_file(environment.name, name): text for name, text in files.items()}
