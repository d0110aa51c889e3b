# SPDX-License-Identifier: Apache-2.0
"""The shipped JSON Schemas: valid, described to the last key, and honest about defaults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.compile.runners import RUNNERS
from nexus_ansible.compile.runners.check import COMMON
from nexus_ansible.model.services import DEFAULT_PORT_RANGE
from nexus_ansible.model.units import seconds
from nexus_ansible.registries.schema import REGISTRIES, schema
from nexus_ansible.run.elsewhere.control_node import control_node_of
from tests.projects.registry_text import write_registries
from tests.unit.registries.schema_tree import keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nexus_ansible.model.platform import Platform

BARE = {
    "automation": """
        automation:
          workflows:
            deployment:
              lab: {steps: [validate]}
              retried: {steps: [validate], retry_policy: linear}
        """,
    "pipeline": """
        pipelines:
          ci: {stages: [{name: one, steps: [linting]}]}
          cd: {lab: {stages: [{name: one, steps: [backup]}]}}
        """,
    "orchestration": """
        orchestration:
          services: {db: {capability: postgresql}}
          environments:
            lab: {}
            found: {runner: aws, discovery: {regions: [eu-central-1], filters: {"tag:a": b}}}
            rack: {runner: ssh, machines: {one: {address: 192.0.2.1}}, bastions: {gate: {address: 192.0.2.2}}}
        """,
    "security": "security: {authorization: {roles: {admin: {}}}}",
}
BLOCKS = tuple(f"orchestration.environments.*.{name}." for name in ("control_node", *RUNNERS) if name != "ssh")
"""What one runner alone reads, or who goes to a control node elsewhere, and so the model does not."""

SMALLEST: dict[str, dict[str, Any]] = {"docker": {"images.postgresql": "example.com/postgresql:18"}, "kubernetes": {}}

NOT_IN_THE_MODEL = {
    # What roles apply to a service's build and smoke requests.
    "orchestration.services.*.build.ignore",
    "orchestration.services.*.build.kind",
    "orchestration.services.*.smoke[].method",
    "orchestration.services.*.smoke[].status",
    # What machines get from their group.
    "orchestration.environments.*.machine_groups.*.labels",
    # What rules and the gate read from the registries themselves.
    "automation.policies.security.encrypt_sensitive_data",
    "automation.policies.security.require_authentication",
    "automation.policies.security.restrict_network_access",
    "security.compliance.sox_compliance",
    # What the orchestrator, the monitoring and the server will apply.
    "automation.policies.monitoring.alert_on_failure",
    "automation.policies.monitoring.metrics_collection",
    "monitoring.alerts",
    "monitoring.alerts[].channels",
    "monitoring.alerts[].cooldown",
    "monitoring.dashboards",
    "monitoring.dashboards[].refresh_interval",
    "monitoring.metrics.*[].collection_interval",
    "orchestration.coordination.coordination_hub.enabled",
    "orchestration.coordination.nuc_orchestrator.enabled",
    "orchestration.policies.failover.detection_time",
    "orchestration.policies.failover.escalation",
    "orchestration.policies.failover.max_failures",
    "orchestration.policies.failover.recovery_time",
    "orchestration.policies.scaling.cooldown_period",
    "orchestration.policies.scaling.max_scale_rate",
    "orchestration.policies.scaling.scale_down_threshold",
    "orchestration.policies.scaling.scale_up_threshold",
    "security.authentication.jwt.expiration",
    "security.authentication.jwt.refresh_expiration",
    "security.compliance.audit_logging",
    "security.compliance.data_retention",
    "security.compliance.gdpr_compliance",
    "security.compliance.pci_compliance",
    "security.encryption.backup_encryption",
    "security.encryption.data_at_rest",
    "security.encryption.data_in_transit",
    "security.encryption.key_rotation",
    "security.network.firewall_rules[].protocol",
    "security.network.firewall_rules[].source",
    "security.network.vpn_required",
}


def _applied(platform: Platform) -> dict[str, Any]:
    """What the model fills in where the registries say nothing, by the path of the key in the schemas."""
    lab, rack, found = (platform.environments[name] for name in ("lab", "rack", "found"))
    assert found.discovery is not None
    machine, ssh = rack.machines["one"], "orchestration.environments.*.ssh"
    service, policies = lab.services["db"], platform.policies["lab"]
    workflow, pipeline, variant = (
        platform.workflows[name] for name in ("deployment.lab", "pipeline.ci", "pipeline.cd.lab")
    )
    retried = platform.workflows["deployment.retried"].retry
    execution, services = "automation.policies.execution", "orchestration.services.*"
    return {
        "automation.project": platform.project,
        "automation.workflows.*.*.triggers": workflow.triggers,
        "automation.workflows.*.*.retry_policy": workflow.retry.policy,
        f"{execution}.max_concurrent": policies.max_concurrent,
        f"{execution}.max_retries": retried.limit,
        f"{execution}.retry_delay": retried.delay,
        f"{execution}.timeout_default": workflow.task_timeout,
        f"{execution}.forks": policies.forks,
        f"{execution}.strategy": policies.strategy,
        f"{execution}.pass_environment": policies.pass_environment,
        "automation.policies.security.audit_all_actions": policies.audit_reads,
        "automation.policies.monitoring.log_level": policies.log_level,
        "automation.policies.monitoring.syslog_marker": policies.syslog_marker,
        "pipelines.*.triggers": pipeline.triggers,
        "pipelines.*.retry_policy": pipeline.retry.policy,
        "pipelines.*.stages[].parallel": pipeline.stages[0].parallel,
        "pipelines.*.*.triggers": variant.triggers,
        "pipelines.*.*.retry_policy": variant.retry.policy,
        "pipelines.*.*.stages[].parallel": variant.stages[0].parallel,
        f"{services}.dependencies": service.dependencies,
        f"{services}.health_check.interval": service.health.interval,
        f"{services}.health_check.timeout": service.health.timeout,
        f"{services}.health_check.retries": service.health.retries,
        f"{services}.health_check.start_period": service.health.start_period,
        f"{services}.scaling.min_replicas": service.scaling.min_replicas,
        f"{services}.scaling.max_unavailable": service.scaling.max_unavailable,
        f"{services}.environment": service.environment,
        f"{services}.routes": service.routes,
        f"{services}.smoke": service.smoke,
        f"{services}.drain_timeout": service.drain_timeout,
        f"{services}.stop_timeout": service.stop_timeout,
        f"{services}.keep_releases": service.keep_releases,
        f"{services}.placement.labels": service.placement.labels,
        "orchestration.environments.*.runner": lab.runner,
        "orchestration.environments.*.port_range": DEFAULT_PORT_RANGE,
        "orchestration.environments.*.address": lab.address,
        "automation.policies.monitoring.performance_tracking": policies.compare_durations,
        "orchestration.environments.*.settings": lab.settings,
        "orchestration.environments.*.discovery.address": found.discovery.address,
        "orchestration.environments.*.discovery.connection": found.discovery.connection,
        "orchestration.environments.*.discovery.expect.min": found.discovery.at_least,
        "orchestration.environments.*.discovery.labels": found.discovery.labels,
        "orchestration.environments.*.machines.*.labels": machine.labels,
        "orchestration.environments.*.bastions.*.port": rack.bastions["gate"].port,
        f"{ssh}.port": machine.ssh.port,
        f"{ssh}.become": machine.ssh.become,
        f"{ssh}.python": machine.ssh.python,
        f"{ssh}.host_key_policy": machine.ssh.host_key_policy,
        f"{ssh}.connect_timeout": machine.ssh.connect_timeout,
        "security.authorization.roles.*.permissions": platform.authorization["lab"].roles["admin"].permissions,
        "security.authorization.roles.*.restrictions": platform.authorization["lab"].roles["admin"].restrictions,
    }


def test_editors_are_offered_the_runners_that_are_built_in() -> None:
    runner = dict(keys("orchestration"))["orchestration.environments.*.runner"]

    assert runner["examples"] == sorted(RUNNERS)


def test_every_key_of_an_environment_means_something_to_a_runner() -> None:
    environment = "orchestration.environments.*."
    known = {path.removeprefix(environment) for path, _ in keys("orchestration") if path.startswith(environment)}

    settings = {key for runner in RUNNERS.values() for key in runner.settings}
    assert {key for key in known if "." not in key} == COMMON | settings | {"settings"}


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of mappings out of paths with dots."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        *folders, name = path.split(".")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = value
    return tree


def _plain(default: object, applied: object) -> object:
    """A default as the model holds it: a duration in seconds, a list as a tuple."""
    if isinstance(default, str) and isinstance(applied, int | float):
        return seconds(default)
    return tuple(default) if isinstance(default, list) else default


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_schema_is_json_schema_2020_12(registry: str) -> None:
    assert schema(registry)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema(registry))


@pytest.mark.parametrize("registry", REGISTRIES)
def test_every_key_at_every_depth_has_a_description(registry: str) -> None:
    described = {path: node.get("description", "") for path, node in keys(registry)}

    assert len(described) > 10
    assert [path for path, text in described.items() if not text.endswith((".", '"'))] == []


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_mapping_that_knows_its_keys_takes_no_others(registry: str) -> None:
    open_ones = [
        path
        for path, node in keys(registry)
        if "properties" in node and node.get("additionalProperties") is not False and ".overrides." not in path
    ]

    assert open_ones == []


def test_the_defaults_of_the_schemas_are_those_that_the_model_applies(tmp_path: Path) -> None:
    given = {path: node["default"] for name in REGISTRIES for path, node in keys(name) if "default" in node}
    applied = _applied(check_project(write_registries(tmp_path, **BARE)).platform)

    assert {path: _plain(default, applied[path]) for path, default in given.items() if path in applied} == applied
    assert {path for path in given.keys() - applied.keys() if not path.startswith(BLOCKS)} == NOT_IN_THE_MODEL


@pytest.mark.parametrize("runner", ["docker", "kubernetes"])
def test_the_defaults_of_the_schemas_are_those_that_a_runner_applies(tmp_path: Path, runner: str) -> None:
    block = f"orchestration.environments.*.{runner}."
    found = [(path.removeprefix(block), node) for path, node in keys("orchestration") if path.startswith(block)]
    defaults = {path: node["default"] for path, node in found if "default" in node}
    assert defaults
    compiled = []
    for number, given in enumerate((SMALLEST[runner], {**SMALLEST[runner], **defaults})):
        environment = {"runner": runner, runner: _nested(given)}
        registry = {"services": {"db": {"capability": "postgresql"}, "api": {}}, "environments": {"lab": environment}}
        root = write_registries(tmp_path / str(number), orchestration=json.dumps({"orchestration": registry}))
        compiled.append(compile_project(check_project(root)).files)
    assert compiled[0] == compiled[1]


def test_the_defaults_of_the_schemas_are_those_of_a_control_node(tmp_path: Path) -> None:
    block = "orchestration.environments.*.control_node."
    found = [(path.removeprefix(block), node) for path, node in keys("orchestration") if path.startswith(block)]
    defaults = {path: node["default"] for path, node in found if "default" in node}
    assert defaults
    nodes = []
    for number, given in enumerate(({"image": "ee:1"}, {"image": "ee:1", **defaults})):
        registry = {"services": {}, "environments": {"lab": {"runner": "local", "control_node": _nested(given)}}}
        root = write_registries(tmp_path / str(number), orchestration=json.dumps({"orchestration": registry}))
        nodes.append(control_node_of(check_project(root).platform.environments["lab"], {}))
    assert nodes[0] == nodes[1]
