# SPDX-License-Identifier: Apache-2.0
"""The account of a control node that may do what a run does in the environment's namespace, and nothing elsewhere.

Rules are those of https://kubernetes.io/docs/reference/access-authn-authz/rbac/. A Role's rule for `namespaces` is
about the one that it is in, which whoever makes the account makes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.clusters import cluster_of
from nexus_ansible.compile.kubernetes.objects import (
    MANAGED_BY,
    MANAGER,
    PART_OF,
    SERVICE,
    kubernetes_object,
)

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment

ACCOUNT = "nexus-ansible-control-node"

_APPLIED = ("create", "delete", "get", "list", "patch")
_RIGHTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("", ("namespaces",), ("get", "patch")),
    ("", ("configmaps", "secrets", "services"), _APPLIED),
    ("", ("pods",), ("delete", "get", "list")),
    ("", ("pods/proxy",), ("create", "delete", "get", "patch", "update")),
    ("", ("events",), ("list",)),
    ("", ("persistentvolumeclaims",), ("delete", "list")),
    ("apps", ("controllerrevisions",), ("list",)),
    ("apps", ("statefulsets",), _APPLIED),
    ("apps", ("statefulsets/scale",), ("patch",)),
    ("autoscaling", ("horizontalpodautoscalers",), _APPLIED),
    ("networking.k8s.io", ("ingresses", "networkpolicies"), _APPLIED),
    ("policy", ("poddisruptionbudgets",), _APPLIED),
)
"""What the modules `cluster_*` ask for: API group, resources and verbs."""


def access_objects(environment: Environment) -> list[dict[str, Any]]:
    """A ServiceAccount, its Role and the RoleBinding between them.

    They lack the environment's own labels: what has those is removed by `down`, which may run under this account.
    """
    rules = [
        {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
        for group, resources, verbs in _RIGHTS
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
    account = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": cluster_of(environment).namespace}
    return [
        _control_object(environment, "ServiceAccount"),
        _control_object(environment, "Role", rules=rules),
        _control_object(environment, "RoleBinding", roleRef=role, subjects=[account]),
    ]


def _control_object(environment: Environment, kind: str, **fields: Any) -> dict[str, Any]:
    made = kubernetes_object(environment, kind, ACCOUNT, **fields)
    labels = {MANAGED_BY: MANAGER, PART_OF: environment.project, SERVICE: ACCOUNT}
    return {**made, "metadata": {**made["metadata"], "labels": labels}}
