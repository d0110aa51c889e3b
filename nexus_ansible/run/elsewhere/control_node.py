# SPDX-License-Identifier: Apache-2.0
"""The entry `control_node` of an environment: which cluster has the job, and what the job is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.access import ACCOUNT
from nexus_ansible.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.platform import Environment


@dataclass(frozen=True)
class ControlNode:
    """A control node that is a job. `context` and `kubeconfig` None are what kubectl would take.

    `account` is the one by which the job manages the cluster that it is in; None where that is not its business.
    `secrets` are objects whose keys become variables.
    `resources` has `cpu` in cores and `memory` in bytes, as far as there are limits.
    """

    environment: str
    project: str
    context: str | None
    kubeconfig: str | None
    namespace: str
    image: str
    pull_policy: str
    pull_secret: str | None
    account: str | None
    secrets: tuple[str, ...]
    variables: Mapping[str, str]
    storage_class: str | None
    storage_size: str
    user: int
    resources: Mapping[str, float]

    @property
    def job(self) -> str:
        """Name of the job: an environment has one at a time."""
        return f"nexus-ansible-{self.environment}".replace("_", "-")


def control_node_of(environment: Environment, resources: Mapping[str, float]) -> ControlNode:
    """The control node of an environment, with every default filled in. Raises RefusedError when it has none."""
    data = environment.control_node
    if not data:
        raise RefusedError(
            f'{environment.position}: "{environment.name}" has no control_node.\n'
            f"  Add orchestration.environments.{environment.name}.control_node with the image of one."
        )
    cluster: Mapping[str, Any] = environment.settings if environment.runner == "kubernetes" else {}
    manages_its_own = environment.runner == "kubernetes" and not {"context", "kubeconfig"} & data.keys()
    usual = f"{environment.project}-{environment.name}".replace("_", "-")
    storage: Mapping[str, Any] = data.get("storage", {})
    return ControlNode(
        environment=environment.name,
        project=environment.project,
        context=data.get("context", cluster.get("context")),
        kubeconfig=data.get("kubeconfig", cluster.get("kubeconfig")),
        namespace=data.get("namespace", cluster.get("namespace", usual)),
        image=data["image"],
        pull_policy=data.get("pull", "IfNotPresent"),
        pull_secret=data.get("pull_secret"),
        account=ACCOUNT if manages_its_own else None,
        secrets=tuple(data.get("secrets", ())),
        variables=data.get("variables", {}),
        storage_class=storage.get("class"),
        storage_size=storage.get("size", "1Gi"),
        user=data.get("user", 1000),
        resources=resources,
    )
