# SPDX-License-Identifier: Apache-2.0
"""Checked registries to a platform: every rule first, then frozen data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.nexus.automation.plugins.module_utils.quantities import resources
from nexus_ansible.model.discovery import build_discovery
from nexus_ansible.model.placing import assign, build_bastions, build_machines
from nexus_ansible.model.platform import Authorization, Environment, Platform, Policies, Role, Secret, Service, Workflow
from nexus_ansible.model.rules import check_rules
from nexus_ansible.model.services import (
    DEFAULT_PORT_RANGE,
    SERVICES,
    build_service,
    coordination_ports,
    instances,
    selected_services,
    waves,
)
from nexus_ansible.model.workflows import build_workflow, operations, workflow_paths
from nexus_ansible.registries.problems import InvalidRegistriesError, Problem
from nexus_ansible.registries.references import REFERENCE, references
from nexus_ansible.registries.registry_set import Registries, as_seen_by, environment_names

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_SECRETS = (("security", "authentication", "jwt", "secret_key"),)
ANYBODY = Role("anybody", ("*",), ())
"""What whoever has no role may do where `require_authentication` is false."""


def environment_views(registries: Registries) -> tuple[dict[str, Registries], list[Problem]]:
    """The registries as each environment sees them, and every rule that they break."""
    views, problems = _views(registries)
    return views, [*problems, *check_rules(registries, views)]


def build_platform(registries: Registries, views: Mapping[str, Registries]) -> Platform:
    """The platform that registries without problems describe. `views` is what `environment_views` gave."""
    project = str(registries.get(("automation", "project"), "nexus"))
    shared: dict[tuple[int, str], Service] = {}
    environments = {name: _environment(view, name, project, shared) for name, view in views.items()}
    return Platform(
        project=project,
        environments=environments,
        workflows=build_workflows(registries, views),
        policies={name: _policies(view) for name, view in views.items()},
        authorization={name: _authorization(view) for name, view in views.items()},
        secrets={name: _secrets(view, environments[name]) for name, view in views.items()},
    )


def _views(registries: Registries) -> tuple[dict[str, Registries], list[Problem]]:
    views: dict[str, Registries] = {}
    problems: list[Problem] = []
    for name in environment_names(registries):
        try:
            views[name] = as_seen_by(registries, name)
        except InvalidRegistriesError as error:
            problems.extend(error.problems)
    return views, problems


def _environment(view: Registries, name: str, project: str, shared: dict[tuple[int, str], Service]) -> Environment:
    path = ("orchestration", "environments", name)
    data: Mapping[str, Any] = view.get(path, {})
    runner = data.get("runner", "local")
    services: dict[str, Service] = {}
    for service in selected_services(view, name):
        known = (id(view.get(("orchestration", "services", service))), service)
        if known not in shared:
            shared[known] = build_service(view, service, project)
        services[service] = shared[known]
    machines = build_machines(data)
    placed = assign(services.values(), machines).machines
    return Environment(
        name=name,
        project=project,
        runner=runner,
        description=data.get("description", ""),
        address=data.get("address", "127.0.0.1"),
        supervision=data.get("supervision"),
        services=services,
        waves=waves(services),
        instances=instances(
            services, data.get("port_range", DEFAULT_PORT_RANGE), name, coordination_ports(view), placed
        ),
        machines=machines,
        bastions=build_bastions(data),
        discovery=build_discovery(data),
        settings=data.get(runner, data.get("settings", {})),
        control_node=data.get("control_node", {}),
        position=view.at(path, key=True),
    )


def build_workflows(registries: Registries, views: Mapping[str, Registries]) -> dict[str, Workflow]:
    """Every workflow, pipeline and operation by name, sorted; each as its own environment sees it."""
    workflows = {workflow.name: workflow for workflow in operations(registries)}
    for name, family, variant, path in workflow_paths(registries):
        environment = registries.get((*path, "environment"), variant if variant in views else None)
        view = views.get(environment, registries)
        workflows[name] = build_workflow(view, name, family, path, environment)
    return dict(sorted(workflows.items()))


def _policies(view: Registries) -> Policies:
    execution: Mapping[str, Any] = view.get(("automation", "policies", "execution"), {})
    monitoring: Mapping[str, Any] = view.get(("automation", "policies", "monitoring"), {})
    return Policies(
        max_concurrent=execution.get("max_concurrent", 5),
        forks=execution.get("forks", 25),
        strategy=execution.get("strategy", "linear"),
        pass_environment=tuple(execution.get("pass_environment", ())),
        resources=resources(execution.get("resource_limits", {})),
        audit_reads=view.get(("automation", "policies", "security", "audit_all_actions"), True),
        syslog_marker=monitoring.get("syslog_marker", False),
        log_level=monitoring.get("log_level", "INFO"),
        compare_durations=monitoring.get("performance_tracking", True),
    )


def _authorization(view: Registries) -> Authorization:
    data: Mapping[str, Any] = view.get(("security", "authorization"), {})
    roles = {
        name: Role(name, tuple(role.get("permissions", ())), tuple(role.get("restrictions", ())))
        for name, role in (data.get("roles") or {"admin": {"permissions": ["*"]}}).items()
    }
    users, groups = data.get("users", {}), data.get("groups", {})
    everybody = "admin" if not users and not groups and "admin" in roles else None
    if not view.get(("automation", "policies", "security", "require_authentication"), True):
        roles.setdefault(ANYBODY.name, ANYBODY)
        everybody = everybody or ANYBODY.name
    return Authorization(roles, users, groups, data.get("default_role", everybody))


def _secrets(view: Registries, environment: Environment) -> dict[str, Secret]:
    """Every secret the environment refers to.

    On the `local` runner those that only the platform itself uses can be made up.
    """
    declared: Mapping[str, Any] = view.get(("security", "secrets"), {})
    uses = [
        (use.name, use.position, use.path in OWN_SECRETS)
        for use in references(view)
        if use.path[:2] != SERVICES or use.path[2] in environment.services
    ]
    for service in environment.services.values():
        password = REFERENCE.fullmatch(str(service.settings.get("password", "")))
        if password:
            uses.append((password[1], service.position, True))
    own = {name for name, _, is_own in uses if is_own and environment.runner == "local"}
    found: dict[str, Secret] = {}
    for name, position, _ in uses:
        entry = declared.get(name) or {}
        found.setdefault(
            name,
            Secret(
                name=name,
                generate=entry.get("generate", name in own and "lookup" not in entry),
                lookup=entry.get("lookup"),
                terms=tuple(entry.get("terms", (name,))),
                options=entry.get("options", {}),
                asked_by=position,
            ),
        )
    return dict(sorted(found.items()))
