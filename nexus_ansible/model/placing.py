# SPDX-License-Identifier: Apache-2.0
"""Machines out of the orchestration registry, and which of them each instance is put on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.nexus.automation.plugins.module_utils import placement
from ansible_collections.nexus.automation.plugins.module_utils.quantities import resources
from nexus_ansible.model.machines import LOCALHOST, Bastion, Engine, Machine, Placement, Ssh
from nexus_ansible.model.units import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nexus_ansible.model.platform import Service


def build_placement(data: Mapping[str, Any]) -> Placement:
    """The placement of a service with every default filled in."""
    return Placement(
        machines=tuple(data.get("machines", ())),
        labels=data.get("labels", {}),
        spread=data.get("spread"),
        max_per_machine=data.get("max_per_machine"),
    )


def build_machines(environment: Mapping[str, Any]) -> dict[str, Machine]:
    """Machines by name, sorted: those that an environment lists, else the one it then has.

    Where they are discovered there are none yet.
    """
    if "discovery" in environment:
        return {}
    listed: Mapping[str, Any] = environment.get("machines", {})
    if not listed:
        address = environment.get("address", "127.0.0.1")
        return {LOCALHOST: Machine(LOCALHOST, address, {}, {}, None, Ssh(address), _engine(environment))}
    return {name: _machine(name, data, environment) for name, data in sorted(listed.items())}


def build_bastions(environment: Mapping[str, Any]) -> dict[str, Bastion]:
    """Bastions by name, sorted."""
    return {
        name: Bastion(
            name=name,
            address=data["address"],
            port=data.get("port", 22),
            user=data.get("user"),
            private_key_file=data.get("private_key_file"),
            host_keys=tuple(data.get("host_keys", ())),
            bastion=data.get("bastion"),
        )
        for name, data in sorted(environment.get("bastions", {}).items())
    }


def assign(services: Iterable[Service], machines: Mapping[str, Machine]) -> placement.Assignment:
    """Which machine each instance is put on. Machines without a list are one, which takes everything."""
    demands = [demand(service) for service in services]
    if LOCALHOST in machines:
        demands = [placement.Demand(wanted.service, wanted.instances) for wanted in demands]
    return placement.place(sites(machines), demands)


def demand(service: Service) -> placement.Demand:
    """What a service asks of machines."""
    rule = service.placement
    return placement.Demand(
        service=service.name,
        instances=service.scaling.min_replicas,
        resources=service.resources,
        machines=rule.machines,
        labels=rule.labels,
        spread=rule.spread,
        max_per_machine=rule.max_per_machine,
    )


def sites(machines: Mapping[str, Machine]) -> list[placement.Machine]:
    """Machines as the placement sees them."""
    return [placement.Machine(machine.name, machine.labels, machine.capacity) for machine in machines.values()]


def _machine(name: str, data: Mapping[str, Any], environment: Mapping[str, Any]) -> Machine:
    groups: Mapping[str, Any] = environment.get("machine_groups", {})
    group: Mapping[str, Any] = groups.get(data.get("group", ""), {})
    capacity: Mapping[str, Any] = data.get("capacity", {})
    counted = {"instances": capacity["instances"]} if "instances" in capacity else {}
    return Machine(
        name=name,
        address=data["address"],
        labels={**group.get("labels", {}), **data.get("labels", {})},
        capacity={**resources(capacity), **counted},
        group=data.get("group"),
        ssh=build_ssh(data["address"], *(part.get("ssh", {}) for part in (environment, group, data))),
        engine=_engine(data),
    )


def _engine(part: Mapping[str, Any]) -> Engine:
    data: Mapping[str, Any] = part.get("docker", {})
    return Engine(**{key: data[key] for key in ("host", "certificates") if key in data})


def build_ssh(address: str, *parts: Mapping[str, Any]) -> Ssh:
    """How a machine is reached: `parts` merged, the last one first."""
    given: dict[str, Any] = {"host": address}
    for part in parts:
        given |= part
    if "connect_timeout" in given:
        given["connect_timeout"] = seconds(given["connect_timeout"])
    return Ssh(**{**given, "host_keys": tuple(given.get("host_keys", ()))})
