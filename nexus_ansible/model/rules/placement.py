# SPDX-License-Identifier: Apache-2.0
"""Rules for which machines services are put on. An environment that lists no machines has one that does for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.nexus.automation.plugins.module_utils.placement import Shortage, eligible
from nexus_ansible.model.placing import assign, build_machines, demand, sites
from nexus_ansible.model.services import SERVICES, SINGLE_INSTANCE, build_service
from nexus_ansible.registries.problems import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.model.machines import Machine
    from nexus_ansible.model.platform import Service
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

STAYS = {"proxy": "people use its address"}
"""Why a service of a capability stays where it is; others hold data."""


def placement_rules(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    """Services that ask for machines that are not there, for more than there are, or that could be anywhere."""
    data = view.get(("orchestration", "environments", environment)) or {}
    if "machines" not in data:
        return
    machines = build_machines(data)
    services = {name: build_service(view, name, "") for name in names}
    yield from _machines(view, environment, services, machines)
    yield from _stays(view, environment, services, machines)
    for shortage in assign(services.values(), machines).shortages:
        known = set(services[shortage.service].placement.machines) <= machines.keys()
        if known:
            yield _short(view, environment, shortage)


def _machines(
    view: Registries, environment: str, services: Mapping[str, Service], machines: Mapping[str, Machine]
) -> Iterator[Problem]:
    for name, service in services.items():
        for index, machine in enumerate(service.placement.machines):
            if machine not in machines:
                what, hint = unknown("machine", machine, machines)
                where = (*SERVICES, name, "placement", "machines", index)
                yield view.problem(where, f'{what} in environment "{environment}"', hint)


def _stays(
    view: Registries, environment: str, services: Mapping[str, Service], machines: Mapping[str, Machine]
) -> Iterator[Problem]:
    for name, service in services.items():
        if service.capability not in SINGLE_INSTANCE or service.placement.machines or not service.scaling.min_replicas:
            continue
        fit = [machine.name for machine in eligible(sites(machines), demand(service))]
        if len(fit) > 1:
            why = STAYS.get(service.capability, "its data does not move between machines by itself")
            what = f'"{name}" must stay on one machine, because {why}, and {len(fit)} of "{environment}" would do'
            hint = f"Choose one: placement: {{machines: [{fit[0]}]}}."
            yield view.problem((*SERVICES, name, "placement"), what, hint)


def _short(view: Registries, environment: str, shortage: Shortage) -> Problem:
    what = (
        f'"{shortage.service}" wants {_counted(shortage.wanted, "instance")} in environment "{environment}", '
        f"and {shortage.placed} of them can be placed"
    )
    reasons = "; ".join(f"{_counted(count, 'machine')}: {reason}" for reason, count in shortage.reasons.items())
    return view.problem((*SERVICES, shortage.service, "placement"), what, f"{reasons}.")


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" + ("" if count == 1 else "s")
