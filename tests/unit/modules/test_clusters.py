# SPDX-License-Identifier: Apache-2.0
"""Pods as instances, and workloads out of manifests."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.clusters.pods import describe, is_hopeless, reasons
from ansible_collections.nexus.automation.plugins.module_utils.clusters.rollout import action_for
from ansible_collections.nexus.automation.plugins.module_utils.clusters.workloads import GOOD, VERSION, build_workload
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
STATEFUL_SET = {"metadata": {"annotations": {GOOD: "0123456789ab"}}}


def manifest(*secrets: str) -> list[dict[str, Any]]:
    """A StatefulSet whose container takes these variables from a Secret."""
    variables = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": "web-secrets", "key": name, "optional": False}}}
        for name in secrets
    ]
    template = {"metadata": {"labels": {}}, "spec": {"containers": [{"image": "shop/web", "env": variables}]}}
    metadata = {"name": "web", "namespace": "shop", "labels": {"a": "b"}}
    return [{"kind": "StatefulSet", "metadata": metadata, "spec": {"replicas": 1, "template": template}}]


def pod(version: str, *, ready: bool, **container: Any) -> dict[str, Any]:
    """A pod as the API tells it."""
    condition = {"type": "Ready", "status": str(ready)}
    return {
        "metadata": {"annotations": {VERSION: version}},
        "status": {"conditions": [condition], "containerStatuses": [container]},
    }


def test_another_secret_makes_another_version_and_another_object() -> None:
    one, two = (build_workload(manifest("A"), "", "", {"A": value, "OTHER": "x"}) for value in ("1", "2"))
    assert one.version != two.version
    assert one.secret is not None
    assert two.secret is not None
    assert one.secret["metadata"]["name"] != two.secret["metadata"]["name"]
    assert {name: base64.b64decode(value) for name, value in one.secret["data"].items()} == {"A": b"1"}
    (container,) = one.stateful_set["spec"]["template"]["spec"]["containers"]
    assert container["env"][0]["valueFrom"]["secretKeyRef"]["name"] == one.secret["metadata"]["name"]


def test_a_release_gives_its_image_and_makes_another_version() -> None:
    plain, released = build_workload(manifest(), "", "", {}), build_workload(manifest(), "shop/web:1.0", "1.0", {})
    assert plain.version != released.version
    assert plain.secret is None
    assert released.stateful_set["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/web:1.0"
    assert released.version == build_workload(manifest(), "shop/web:1.0", "1.0", {}).version


def test_a_manifest_is_left_as_it_was() -> None:
    documents = manifest("A")
    build_workload(documents, "shop/web:1.0", "1.0", {"A": "1"})
    assert documents == manifest("A")


def test_secrets_that_nobody_told_are_named() -> None:
    with pytest.raises(AdapterError, match=r"^nobody told the secret variables A, B\. Compile the registries again\.$"):
        build_workload(manifest("B", "A"), "", "", {})


def test_a_manifest_without_a_workload_is_refused() -> None:
    with pytest.raises(AdapterError, match=r"^the manifest has no StatefulSet\. Compile"):
        build_workload([], "", "", {})


def test_a_running_pod_is_told_with_its_container() -> None:
    running = {"running": {"startedAt": "2026-01-01T12:00:00Z"}}
    told = describe(pod("v", ready=True, containerID=f"docker://{'a' * 64}", state=running), STATEFUL_SET, NOW)
    assert (told.state, told.ready, told.pid, told.uptime) == ("running", True, "a" * 12, 30.0)
    assert (told.version, told.good, told.detail) == ("v", "0123456789ab", "ready")


def test_a_pod_that_ends_again_and_again_is_told_with_the_exit_code() -> None:
    failing = pod(
        "v",
        ready=False,
        restartCount=2,
        state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s"}},
        lastState={"terminated": {"exitCode": 3, "reason": "Error"}},
    )
    assert list(reasons(failing)) == ["CrashLoopBackOff: back-off 20s", "its container ended with 3 (Error)"]
    assert is_hopeless(failing, 2)
    assert not is_hopeless(failing, 3)
    assert describe(failing, STATEFUL_SET, NOW).state == "stopped"


def test_an_image_that_is_pulled_again_is_waited_for() -> None:
    assert not is_hopeless(pod("v", ready=False, state={"waiting": {"reason": "ImagePullBackOff"}}), 2)
    assert is_hopeless(pod("v", ready=False, state={"waiting": {"reason": "InvalidImageName"}}), 2)


@pytest.mark.parametrize(
    ("found", "action"),
    [
        (None, "start"),
        (pod("old", ready=True), "restart"),
        (pod("new", ready=False), "start"),
        (pod("new", ready=True), "none"),
    ],
)
def test_what_a_pod_needs_is_told_by_its_version_and_readiness(found: dict[str, Any] | None, action: str) -> None:
    assert action_for(found, "new") == action
