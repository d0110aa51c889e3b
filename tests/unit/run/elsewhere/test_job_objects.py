# SPDX-License-Identifier: Apache-2.0
"""The objects of a job: valid for every Kubernetes, with no more rights than it needs."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import kubernetes_validate
import pytest

from nexus_ansible.compile.kubernetes.access import ACCOUNT
from nexus_ansible.compile.project import check_project
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import Project
from nexus_ansible.run.elsewhere.control_node import ControlNode, control_node_of
from nexus_ansible.run.elsewhere.job_objects import claim_object, job_object, parcel_objects
from tests.projects import make_project

SCHEMAS = [f"1.{minor}" for minor in range(25, 38)]
OWNER = {"apiVersion": "batch/v1", "kind": "Job", "name": "nexus-ansible-lab", "uid": "1"}


@pytest.fixture
def node_of(tmp_path: Any) -> Any:
    """Makes the control node of an environment from what the registry says of the environment."""

    def make(**environment: Any) -> ControlNode:
        changes = {"orchestration": {"orchestration": {"environments": {"lab": environment}}}}
        project = make_project(tmp_path / "project", {"first": []}, changes)
        platform = check_project(Project(project)).platform
        return control_node_of(platform.environments["lab"], platform.policies["lab"].resources)

    return make


def job_of(node: ControlNode, parts: int = 1) -> dict[str, Any]:
    return job_object(node, parts, ["apply", "lab"], "{}", {"nexus.automation/by": "alice"})


def container_of(node: ControlNode) -> dict[str, Any]:
    (container,) = job_of(node)["spec"]["template"]["spec"]["containers"]
    return container


@pytest.mark.parametrize("version", SCHEMAS)
def test_all_objects_are_valid(node_of: Any, version: str) -> None:
    full = {"image": "ee:1", "pull_secret": "pull", "secrets": ["shop"], "storage": {"class": "fast"}}
    node = node_of(control_node=full)
    for one in (claim_object(node), job_of(node), *parcel_objects(node, b"packed", OWNER)):
        kubernetes_validate.validate(one, version, strict=True)


def test_a_parcel_is_cut_into_parts_that_an_object_holds(node_of: Any) -> None:
    packed = os.urandom(2_000_000)
    secrets = parcel_objects(node_of(control_node={"image": "ee:1"}), packed, OWNER)
    assert all(len(json.dumps(one)) < 1 << 20 for one in secrets)
    parts = {name: base64.b64decode(text) for one in secrets for name, text in one["data"].items()}
    assert b"".join(parts[name] for name in sorted(parts)) == packed
    assert all(one["metadata"]["ownerReferences"] == [OWNER] for one in secrets)
    sources = job_of(node_of(control_node={"image": "ee:1"}), len(secrets))["spec"]["template"]["spec"]["volumes"][0]
    assert [one["secret"]["name"] for one in sources["projected"]["sources"]] == [
        one["metadata"]["name"] for one in secrets
    ]


def test_an_account_of_the_cluster_is_only_for_a_job_that_manages_it(node_of: Any) -> None:
    pod = job_of(node_of(control_node={"image": "ee:1"}))["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod
    inside = node_of(runner="kubernetes", kubernetes={"namespace": "shop"}, control_node={"image": "ee:1"})
    assert job_of(inside)["spec"]["template"]["spec"]["serviceAccountName"] == ACCOUNT
    assert inside.namespace == "shop"
    another = {"image": "ee:1", "context": "tools", "namespace": "tools"}
    outside = node_of(runner="kubernetes", kubernetes={"namespace": "shop"}, control_node=another)
    assert job_of(outside)["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert (outside.context, outside.namespace) == ("tools", "tools")


def test_a_job_cannot_gain_rights(node_of: Any) -> None:
    node = node_of(control_node={"image": "ee:1"})
    assert job_of(node)["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container_of(node)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_what_the_registry_says_wins_over_what_is_usual(node_of: Any) -> None:
    node = node_of(control_node={"image": "ee:1", "variables": {"HOME": "/elsewhere"}, "user": 0})
    assert {"name": "HOME", "value": "/elsewhere"} in container_of(node)["env"]
    assert job_of(node)["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"] is False


def test_an_environment_without_a_control_node_says_where_to_add_one(node_of: Any) -> None:
    with pytest.raises(RefusedError, match=r'"lab" has no control_node.\n  Add orchestration.environments.lab'):
        node_of()
