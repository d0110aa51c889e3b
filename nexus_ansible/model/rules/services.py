# SPDX-License-Identifier: Apache-2.0
"""Rules for services, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.model.rules.twice import told_twice
from nexus_ansible.model.services import NOT_SHIPPED, PROVIDED, SERVICES, SINGLE_INSTANCE, capability_of
from nexus_ansible.registries.problems import Problem, unknown
from nexus_ansible.registries.references import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.registry_set import Registries

SETTINGS = {
    "web": (),
    "proxy": ("provider", "server", "body_limit"),
    "postgresql": ("provider", "database", "user", "password", "parameters"),
    "redis": ("provider", "password", "parameters"),
}
RESERVED_GROUPS = {"all", "ungrouped", "localhost", "control", "machines", "services", "rollout", "rollback"}
RESERVED_PREFIXES = ("wave_", "batch_", "stage_", "machines_")


def service_rules(registries: Registries) -> Iterator[Problem]:
    """What a single service can have wrong."""
    services: Mapping[str, Any] = registries.get(SERVICES, {})
    groups: dict[str, str] = {}
    for name, data in services.items():
        path = (*SERVICES, name)
        group = name.replace("-", "_")
        if group in RESERVED_GROUPS or group.startswith(RESERVED_PREFIXES):
            hint = "Every inventory has a group of that name."
            yield registries.problem(path, f'a service cannot be called "{name}"', hint, key=True)
        if group in groups:
            hint = f'"{groups[group]}" has the same inventory group, {group}.'
            yield registries.problem(path, f'the name "{name}" is taken', hint, key=True)
        groups[group] = name
        yield from _one_service(registries, name, data, path, services)
    yield from _coordination(registries)
    for name, data in registries.get(("orchestration", "environments"), {}).items():
        for index, service in enumerate(data.get("services", ())):
            if service not in services and service not in PROVIDED:
                where = ("orchestration", "environments", name, "services", index)
                yield registries.problem(where, *unknown("service", service, [*services, *PROVIDED]))


def _coordination(registries: Registries) -> Iterator[Problem]:
    root = ("orchestration", "coordination")
    parts: Mapping[str, Any] = registries.get(root, {})
    ports = [((*root, part, "port"), str(data["port"])) for part, data in parts.items() if "port" in data]
    yield from told_twice(registries, "port", ports)


def _one_service(
    registries: Registries, name: str, data: Mapping[str, Any], path: KeyPath, services: Mapping[str, Any]
) -> Iterator[Problem]:
    for index, need in enumerate(data.get("dependencies", ())):
        if need == name:
            yield registries.problem(
                (*path, "dependencies", index), f'service "{name}" depends on itself', "Remove it."
            )
        elif need not in services and need not in PROVIDED:
            what, hint = unknown("service", need, [*services, *PROVIDED])
            yield registries.problem((*path, "dependencies", index), f'service "{name}" depends on {what}', hint)
    health = data.get("health_check", {})
    checks = [key for key in ("endpoint", "command", "tcp") if key in health]
    if len(checks) > 1:
        what = f"a health check is one of {', '.join(checks)}, not several"
        yield registries.problem((*path, "health_check", checks[1]), what, "Keep one.", key=True)
    yield from _visible_secrets(registries, data, path)
    yield from _scaling(registries, data, path, capability_of(name, data))
    yield from _settings(registries, data, path, capability_of(name, data))


def _visible_secrets(registries: Registries, data: Mapping[str, Any], path: KeyPath) -> Iterator[Problem]:
    for key in ("command", "test"):
        for index, word in enumerate(data.get(key, ())):
            for name in REFERENCE.findall(word):
                what = f"everybody on the machine can read ${{{name}}} in a command line"
                hint = f'Give it to the service in "environment", for example {name}: ${{{name}}}.'
                yield registries.problem((*path, key, index), what, hint)


def _scaling(registries: Registries, data: Mapping[str, Any], path: KeyPath, capability: str) -> Iterator[Problem]:
    scaling = data.get("scaling", {})
    least, most = scaling.get("min_replicas", 1), scaling.get("max_replicas")
    where = (*path, "scaling", "min_replicas")
    if most is not None and least > most:
        yield registries.problem(where, f"min_replicas {least} is above max_replicas {most}", "Swap them.")
    if capability in SINGLE_INSTANCE and least > 1:
        what = f"min_replicas {least}: a {capability} service runs as one instance"
        yield registries.problem(where, what, "Replication is not built; set it to 1.")


def _settings(registries: Registries, data: Mapping[str, Any], path: KeyPath, capability: str) -> Iterator[Problem]:
    for key in data.get("settings", {}):
        if key not in SETTINGS[capability]:
            hint = f"Known for {capability}: {', '.join(SETTINGS[capability]) or 'none'}."
            yield registries.problem(
                (*path, "settings", key), f'a {capability} service has no setting "{key}"', hint, key=True
            )
    server, provider = (data.get("settings", {}).get(key) for key in ("server", "provider"))
    if server in NOT_SHIPPED and provider == "embedded":
        hint = f'Install {server} and set "provider: system".'
        yield registries.problem((*path, "settings", "provider"), f"{server} does not ship with the toolkit", hint)
    if capability != "web":
        for key in ("source", "command", "routes", "test"):
            if data.get(key):
                hint = 'Only "capability: web" has one.'
                yield registries.problem((*path, key), f'a {capability} service has no "{key}"', hint, key=True)
