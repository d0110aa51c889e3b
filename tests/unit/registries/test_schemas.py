# SPDX-License-Identifier: Apache-2.0
"""The shipped JSON Schemas: valid, described to the last key, and honest about defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from nexus_ansible.compile.project import check_project
from nexus_ansible.model.services import DEFAULT_PORT_RANGE
from nexus_ansible.model.units import seconds
from nexus_ansible.registries.schema import REGISTRIES, schema
from tests.projects.registry_text import write_registries
from tests.unit.registries.schema_tree import keys

if TYPE_CHECKING:
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
    "orchestration": "orchestration: {services: {db: {capability: postgresql}}, environments: {lab: {}}}",
    "security": "security: {authorization: {roles: {admin: {}}}}",
}
NOT_IN_THE_MODEL = {
    # What roles apply to a service's build and smoke requests.
    "orchestration.services.*.build.ignore",
    "orchestration.services.*.build.kind",
    "orchestration.services.*.smoke[].method",
    "orchestration.services.*.smoke[].status",
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
    lab = platform.environments["lab"]
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
        f"{services}.settings.provider": service.settings["provider"],
        f"{services}.drain_timeout": service.drain_timeout,
        f"{services}.stop_timeout": service.stop_timeout,
        f"{services}.keep_releases": service.keep_releases,
        "orchestration.environments.*.runner": lab.runner,
        "orchestration.environments.*.port_range": DEFAULT_PORT_RANGE,
        "orchestration.environments.*.address": lab.address,
        "automation.policies.monitoring.performance_tracking": policies.compare_durations,
        "orchestration.environments.*.supervision": lab.supervision,
        "security.authorization.roles.*.permissions": platform.authorization["lab"].roles["admin"].permissions,
        "security.authorization.roles.*.restrictions": platform.authorization["lab"].roles["admin"].restrictions,
    }


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
    assert given.keys() - applied.keys() == NOT_IN_THE_MODEL
