# SPDX-License-Identifier: Apache-2.0
"""Rules for the machines of one environment: names, addresses, and the way to them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from nexus_ansible.model.rules.security import EVERY_ADDRESS
from nexus_ansible.model.rules.services import RESERVED_GROUPS, RESERVED_PREFIXES
from nexus_ansible.model.rules.twice import told_twice
from nexus_ansible.model.services import SERVICES, cycles
from nexus_ansible.registries.problems import quote, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries


def machine_rules(view: Registries, environment: str, services: tuple[str, ...]) -> Iterator[Problem]:
    """What the machines of one environment, their groups and the bastions before them can have wrong."""
    path = ("orchestration", "environments", environment)
    data: Mapping[str, Any] = view.get(path) or {}
    machines: Mapping[str, Any] = data.get("machines", {})
    groups: Mapping[str, Any] = data.get("machine_groups", {})
    yield from _names(view, path, machines, services)
    for part, prefix in (("machine_groups", "machines_"), ("bastions", "nexus_ssh_proxy_")):
        yield from _inventory_names(view, path, part, prefix)
    addresses = [((*path, "machines", name, "address"), machine["address"]) for name, machine in machines.items()]
    yield from told_twice(view, "address", addresses)
    for where, address in addresses:
        if address in EVERY_ADDRESS:
            hint = "Name one by which other machines reach it."
            yield view.problem(where, f"{quote(address)} is every address of the machine", hint)
    for name, machine in machines.items():
        if "group" in machine and machine["group"] not in groups:
            yield view.problem((*path, "machines", name, "group"), *unknown("machine group", machine["group"], groups))
    yield from _bastions(view, path, data)
    yield from _host_keys(view, path, data)


def _names(
    view: Registries, path: KeyPath, machines: Mapping[str, Any], services: tuple[str, ...]
) -> Iterator[Problem]:
    """A machine is a host of the inventory, beside the groups and the instances of services."""
    for name in machines:
        group = name.replace("-", "_")
        if group in RESERVED_GROUPS or group.startswith(RESERVED_PREFIXES):
            hint = "Every inventory has a host or a group of that name."
            yield view.problem((*path, "machines", name), f'a machine cannot be called "{name}"', hint, key=True)
        for service in services:
            if group == service.replace("-", "_") or _is_instance(view, service, name):
                what = f'a machine cannot be called "{name}"'
                hint = f'Service "{service}" has that name in the inventory.'
                yield view.problem((*path, "machines", name), what, hint, key=True)


def _is_instance(view: Registries, service: str, name: str) -> bool:
    number = name.removeprefix(f"{service}-")
    scaling: Mapping[str, Any] = view.get((*SERVICES, service, "scaling")) or {}
    most = max(scaling.get("min_replicas", 1), scaling.get("max_replicas", 1))
    return number != name and number.isdigit() and number == str(int(number)) and 1 <= int(number) <= most


def _inventory_names(view: Registries, path: KeyPath, part: str, prefix: str) -> Iterator[Problem]:
    """Groups and variables of the inventory have no hyphens."""
    owners: dict[str, str] = {}
    for name in view.get((*path, part)) or {}:
        known = f"{prefix}{name.replace('-', '_')}"
        if known in owners:
            hint = f'"{owners[known]}" is {known} in the inventory, too.'
            yield view.problem((*path, part, name), f'the name "{name}" is taken', hint, key=True)
        owners.setdefault(known, name)


def _bastions(view: Registries, path: KeyPath, data: Mapping[str, Any]) -> Iterator[Problem]:
    bastions: Mapping[str, Any] = data.get("bastions", {})
    users = [(*path, "ssh")]
    users += [(*path, part, name, "ssh") for part in ("machine_groups", "machines") for name in data.get(part, {})]
    users += [(*path, "bastions", name) for name in bastions]
    for user in users:
        name = (view.get(user) or {}).get("bastion")
        if name is not None and name not in bastions:
            yield view.problem((*user, "bastion"), *unknown("bastion", name, bastions))
    needs = {
        name: [bastion["bastion"]] if bastion.get("bastion") in bastions else [] for name, bastion in bastions.items()
    }
    for cycle in cycles(needs):
        what = f"bastions are reached through each other in a cycle: {' -> '.join(cycle)}"
        where = (*path, "bastions", cycle[0], "bastion")
        yield view.problem(where, what, "Name none for the one that is reached first.")


def _host_keys(view: Registries, path: KeyPath, data: Mapping[str, Any]) -> Iterator[Problem]:
    holders: list[KeyPath] = [(*path, "machines", name, "ssh") for name in data.get("machines", {})]
    holders += [(*path, "bastions", name) for name in data.get("bastions", {})]
    for holder in holders:
        for index, key in enumerate((view.get(holder) or {}).get("host_keys", ())):
            if not _is_key(key):
                what = f"{quote(key)} is not a whole public key"
                hint = "Copy the first two words of the machine's /etc/ssh/ssh_host_ed25519_key.pub."
                yield view.problem((*holder, "host_keys", index), what, hint)


def _is_key(text: str) -> bool:
    """Whether the second word is the encoding of a key of the type that the first one names (RFC 4253, 6.6)."""
    kind, encoded = text.split(" ")[:2]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    fields = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size:
            return False
        fields.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return len(fields) > 1 and fields[0] == kind.encode()
