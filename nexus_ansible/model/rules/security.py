# SPDX-License-Identifier: Apache-2.0
"""Rules for roles, secrets and the network."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from nexus_ansible.model.workflows import workflow_paths
from nexus_ansible.registries.problems import Problem, quote, unknown
from nexus_ansible.registries.registry_set import Registries, environment_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.registries.document import KeyPath

ROOT = ("security",)
ACTIONS = ("read", "write", "monitor", "restart_services", "deploy", "run", "audit", "security_config", "config_change")
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - what the rule refuses
NAMED_SOURCES = ("any", "admin_ips")


def security_rules(registries: Registries) -> Iterator[Problem]:
    """What authorization and the network section can have wrong."""
    yield from _actions(registries)
    yield from _people(registries)
    yield from _networks(registries)
    yield from _policies(registries)


def _policies(registries: Registries) -> Iterator[Problem]:
    policies: KeyPath = ("automation", "policies", "security")
    if not registries.get((*policies, "encrypt_sensitive_data"), True):
        what = "the ledger's payloads and generated secrets are always encrypted"
        yield registries.problem((*policies, "encrypt_sensitive_data"), what, "Write true, or leave the line out.")
    if not registries.get((*policies, "restrict_network_access"), True):
        return
    environments: Mapping[str, Any] = registries.get(("orchestration", "environments"), {})
    for name, environment in environments.items():
        if environment.get("address") in EVERY_ADDRESS:
            what = f'services of "{name}" would listen on every address'
            hint = "Name one address, or set automation.policies.security.restrict_network_access: false."
            yield registries.problem(("orchestration", "environments", name, "address"), what, hint)


def _networks(registries: Registries) -> Iterator[Problem]:
    for key in ("allowed_ips", "blocked_ips"):
        for index, network in enumerate(registries.get((*ROOT, "network", key), ())):
            if not _is_network(network):
                what = f"{quote(network)} is not an address or a network"
                yield registries.problem((*ROOT, "network", key, index), what, "Write for example 10.0.0.0/8.")
    for index, rule in enumerate(registries.get((*ROOT, "network", "firewall_rules"), ())):
        source = rule.get("source", "any")
        if source not in NAMED_SOURCES and not _is_network(source):
            where = (*ROOT, "network", "firewall_rules", index, "source")
            yield registries.problem(
                where, *unknown("source", source, [*NAMED_SOURCES, "a network such as 10.0.0.0/8"])
            )


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _actions(registries: Registries) -> Iterator[Problem]:
    environments = environment_names(registries)
    families = {family for _, family, _, _ in workflow_paths(registries)}
    known = {
        *ACTIONS,
        "*",
        *(f"deploy_{name}" for name in environments),
        *(f"{name}_deploy" for name in environments),
        *(f"run_{family}" for family in families),
    }
    roles: Mapping[str, Any] = registries.get((*ROOT, "authorization", "roles"), {})
    for role, data in roles.items():
        for key in ("permissions", "restrictions"):
            for index, action in enumerate(data.get(key, ())):
                if action not in known:
                    where = (*ROOT, "authorization", "roles", role, key, index)
                    yield registries.problem(where, *unknown("action", action, known))


def _people(registries: Registries) -> Iterator[Problem]:
    path: KeyPath = (*ROOT, "authorization")
    data: Mapping[str, Any] = registries.get(path) or {}
    roles = data.get("roles") or {"admin": {}}
    for key in ("users", "groups"):
        for name, role in data.get(key, {}).items():
            if role not in roles:
                yield registries.problem((*path, key, name), *unknown("role", role, roles))
    if "default_role" in data and data["default_role"] not in roles:
        yield registries.problem((*path, "default_role"), *unknown("role", data["default_role"], roles))
