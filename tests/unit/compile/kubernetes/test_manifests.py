# SPDX-License-Identifier: Apache-2.0
"""The manifests of the golden case: valid for every Kubernetes, and what the registries say."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ansible_collections.nexus.automation.plugins.module_utils.clusters.workloads import RELEASE
from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.compile.runners import find_runner
from nexus_ansible.project import Project

GOLDEN = Path(__file__).parents[3] / "golden" / "kubernetes_cluster"
SCHEMAS = [f"1.{minor}" for minor in range(25, 38)]
"""Those that kubernetes-validate has; older versions are the business of tests with a real API server."""


@functools.cache
def manifests(environment: str) -> dict[str, list[dict[str, Any]]]:
    """The objects of an environment by file."""
    folder = f"manifests/{environment}/"
    files = compile_project(check_project(Project(GOLDEN))).files
    return {
        path.removeprefix(folder): list(yaml.safe_load_all(text))
        for path, text in files.items()
        if path.startswith(folder)
    }


def objects(environment: str, kind: str) -> dict[str, dict[str, Any]]:
    """Objects of a kind by name."""
    return {one["metadata"]["name"]: one for one in every(environment) if one["kind"] == kind}


def every(environment: str) -> Iterator[dict[str, Any]]:
    for name, documents in manifests(environment).items():
        if name != "kustomization.yaml":
            yield from documents


def container(environment: str, service: str) -> dict[str, Any]:
    """The container of a service's pods."""
    found: dict[str, Any] = pod(environment, service)["containers"][0]
    return found


def pod(environment: str, service: str) -> dict[str, Any]:
    spec: dict[str, Any] = objects(environment, "StatefulSet")[service]["spec"]["template"]["spec"]
    return spec


def callers(environment: str, service: str) -> list[str] | None:
    """Services that may connect to one; None is everybody."""
    policy = objects(environment, "NetworkPolicy").get(service)
    if policy is None:
        return []
    (rule,) = policy["spec"]["ingress"]
    if "from" not in rule:
        return None
    return [one["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for one in rule["from"]]


@pytest.mark.parametrize("version", SCHEMAS)
def test_manifests_are_valid_for_every_newer_kubernetes(version: str) -> None:
    for found in every("production"):
        kubernetes_validate.validate(found, version, strict=True)


def test_an_older_kubernetes_gets_the_api_versions_that_it_has() -> None:
    assert {one["kind"]: one["apiVersion"] for one in every("edge")} == {
        "ConfigMap": "v1",
        "HorizontalPodAutoscaler": "autoscaling/v2beta2",
        "Namespace": "v1",
        "NetworkPolicy": "networking.k8s.io/v1",
        "PodDisruptionBudget": "policy/v1beta1",
        "Role": "rbac.authorization.k8s.io/v1",
        "RoleBinding": "rbac.authorization.k8s.io/v1",
        "Service": "v1",
        "ServiceAccount": "v1",
        "StatefulSet": "apps/v1",
    }


def test_no_line_makes_awx_take_a_manifest_for_a_playbook() -> None:
    keys = {key for found in every("production") for key in _keys(found)}

    assert keys.isdisjoint({"hosts", "include", "import_playbook"})


def _keys(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _keys(value)
    elif isinstance(data, list):
        for member in data:
            yield from _keys(member)


def test_only_the_arrows_of_the_registry_are_open() -> None:
    assert {name: callers("production", name) for name in manifests_of_services("production")} == {
        "api": ["proxy"],
        "cache": ["api"],
        "database": ["api"],
        "pages": ["proxy"],
        "proxy": None,
    }
    closed = objects("production", "NetworkPolicy")["closed"]["spec"]
    assert closed["policyTypes"] == ["Ingress"]
    assert "ingress" not in closed


def manifests_of_services(environment: str) -> list[str]:
    return sorted(objects(environment, "StatefulSet"))


def test_a_pod_selector_finds_no_pod_of_another_environment() -> None:
    labels = {name: pods["spec"]["selector"]["matchLabels"] for name, pods in objects("edge", "StatefulSet").items()}

    assert labels["api"] == {
        "app.kubernetes.io/instance": "edge",
        "app.kubernetes.io/name": "api",
        "app.kubernetes.io/part-of": "shop",
    }


def test_no_secret_is_in_a_manifest() -> None:
    assert "Secret" not in {one["kind"] for one in every("production")}
    sources = {one["name"]: one.get("valueFrom", {}) for one in container("production", "api")["env"]}
    taken = {name: source["secretKeyRef"]["name"] for name, source in sources.items() if "secretKeyRef" in source}

    assert taken == dict.fromkeys(["CACHE_URL", "DATABASE_PASSWORD", "DATABASE_URL", "SIGNATURE"], "api-secrets")


def test_a_web_pod_is_told_the_release_that_an_apply_gave_it() -> None:
    (told,) = [one for one in container("production", "api")["env"] if one["name"] == "NEXUS_RELEASE"]

    assert told["valueFrom"] == {"fieldRef": {"fieldPath": f"metadata.annotations['{RELEASE}']"}}


def test_people_reach_the_cluster_at_the_host_of_its_ingress() -> None:
    environments = check_project(Project(GOLDEN)).platform.environments

    assert find_runner("kubernetes").addresses(environments["production"]) == ["https://shop.example.com/"]
    assert find_runner("kubernetes").addresses(environments["edge"]) == []


def test_a_text_of_the_registry_stays_what_it_is() -> None:
    given = {one["name"]: one.get("value") for one in container("production", "api")["env"]}

    assert given["GREETING"] == "costs $$5"
    assert container("production", "api")["command"][-1] == "$$(HOST) {{ not Jinja }}"


def test_an_autoscaler_needs_a_target_and_something_to_take_percent_of() -> None:
    scalers = objects("production", "HorizontalPodAutoscaler")

    assert sorted(scalers) == ["api"]
    spec = scalers["api"]["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (3, 8)
    assert {one["resource"]["name"]: one["resource"]["target"]["averageUtilization"] for one in spec["metrics"]} == {
        "cpu": 70,
        "memory": 80,
    }


def test_a_budget_lets_go_what_a_rollout_may_and_never_holds_a_single_pod() -> None:
    budgets = objects("production", "PodDisruptionBudget")

    assert {name: one["spec"]["maxUnavailable"] for name, one in budgets.items()} == {"api": 2}


def test_the_account_of_a_control_node_is_no_part_of_what_an_apply_sends_or_a_down_removes() -> None:
    found = manifests("production")

    assert "control-node/access.yaml" not in found["kustomization.yaml"][0]["resources"]
    for one in found["control-node/access.yaml"]:
        assert "app.kubernetes.io/instance" not in one["metadata"]["labels"]


def test_no_rule_of_a_control_node_is_about_everything() -> None:
    (role,) = objects("production", "Role").values()

    assert not [rule for rule in role["rules"] if "*" in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])]


def test_probes_are_the_health_check() -> None:
    api = container("production", "api")

    assert api["readinessProbe"]["httpGet"]["path"] == "/api/health"
    assert api["startupProbe"]["periodSeconds"] * api["startupProbe"]["failureThreshold"] == 90
    assert "tcpSocket" in container("production", "proxy")["readinessProbe"]
    assert "pg_isready" in container("production", "database")["readinessProbe"]["exec"]["command"][-1]


def test_no_pod_is_root_or_can_become_it() -> None:
    for name in manifests_of_services("production"):
        assert pod("production", name)["securityContext"]["runAsNonRoot"]
        assert container("production", name)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_low_port_is_the_service_s_and_not_the_pod_s() -> None:
    (port,) = objects("production", "Service")["proxy"]["spec"]["ports"]

    assert port["port"] == 80
    assert container("production", "proxy")["ports"][0]["containerPort"] == 8080


def test_without_service_addresses_names_lead_to_pods() -> None:
    assert objects("edge", "Service")["api"]["spec"]["clusterIP"] == "None"
    assert pod("edge", "api")["dnsConfig"]["nameservers"] == ["10.244.0.2"]


def test_a_pod_may_drain_finish_and_stop_before_it_is_killed() -> None:
    assert pod("production", "api")["terminationGracePeriodSeconds"] == 5 + 30 + 30
