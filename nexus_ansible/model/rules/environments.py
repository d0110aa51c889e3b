# SPDX-License-Identifier: Apache-2.0
"""Rules for the services of one environment together: order, ports, routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.model.rules.machines import machine_rules
from nexus_ansible.model.rules.placement import placement_rules
from nexus_ansible.model.services import (
    DEFAULT_PORT_RANGE,
    LAST_PORT,
    SERVICES,
    build_service,
    coordination_ports,
    cycles,
    instances,
    needs_of,
    selected_services,
)
from nexus_ansible.registries.problems import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries


def environment_rules(view: Registries, environment: str) -> Iterator[Problem]:
    """What the services of one environment can have wrong between them."""
    names = selected_services(view, environment)
    yield from _missing(view, environment, names)
    yield from _cycles(view, names)
    yield from _ports(view, environment, names)
    yield from _port_range(view, environment, names)
    yield from _routes(view, environment, names)
    yield from machine_rules(view, environment, names)
    yield from placement_rules(view, environment, names)


def _missing(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    defined: Mapping[str, Any] = view.get(SERVICES, {})
    for name in names:
        for index, need in enumerate(defined.get(name, {}).get("dependencies", ())):
            if need in defined and need not in names:
                where = (*SERVICES, name, "dependencies", index)
                what = f'environment "{environment}" has "{name}" but not "{need}", which it depends on'
                yield view.problem(where, what, f"Add it to orchestration.environments.{environment}.services.")


def _cycles(view: Registries, names: tuple[str, ...]) -> Iterator[Problem]:
    defined: Mapping[str, Any] = view.get(SERVICES, {})
    needs = needs_of({name: defined.get(name, {}).get("dependencies", ()) for name in names})
    for cycle in cycles(needs):
        if len(cycle) == 2:
            continue  # "depends on itself" is told with the service
        index = defined[cycle[0]]["dependencies"].index(cycle[1])
        what = f"services depend on each other in a cycle: {' -> '.join(cycle)}"
        yield view.problem((*SERVICES, cycle[0], "dependencies", index), what, "Remove one of the arrows.")


def _ports(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    owners = dict(coordination_ports(view))
    for name in names:
        data: Mapping[str, Any] = view.get((*SERVICES, name), {})
        if "port" not in data:
            continue
        first = data["port"]
        last = first + _most(data.get("scaling", {})) - 1
        if last > LAST_PORT:
            what = f'"{name}" needs the ports {first}-{last}, one for each of max_replicas'
            yield view.problem((*SERVICES, name, "port"), what, f"The last port is {LAST_PORT}.")
        ports = range(first, min(last, LAST_PORT) + 1)
        taken = next((port for port in ports if port in owners), None)
        if taken is not None:
            what = f'port {taken} of "{name}" is taken by {owners[taken]} in environment "{environment}"'
            hint = f"{name} needs {first}-{last}, one for each of max_replicas." if last > first else ""
            yield view.problem((*SERVICES, name, "port"), what, hint)
        owners |= {port: f'"{name}"' for port in ports if port not in owners}


def _most(scaling: Mapping[str, Any]) -> int:
    replicas: list[int] = [scaling.get(key, 1) for key in ("min_replicas", "max_replicas")]
    return max(*replicas, 1)


def _port_range(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    where = ("orchestration", "environments", environment, "port_range")
    port_range = view.get(where, DEFAULT_PORT_RANGE)
    first, _, last = port_range.partition("-")
    if not 0 < int(first) <= int(last) <= LAST_PORT:
        yield view.problem(where, f"{quote(port_range)} is not a range of ports", f"FIRST-LAST, from 1 to {LAST_PORT}.")
        return
    services = {name: build_service(view, name, "") for name in names}
    try:
        instances(services, port_range, environment, coordination_ports(view))
    except ValueError as error:
        yield view.problem(where, str(error), "Widen port_range, or give services ports of their own.")


def _routes(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name in names:
        for index, route in enumerate(view.get((*SERVICES, name), {}).get("routes", ())):
            path = route.rstrip("/") or "/"
            if path in owners:
                what = f'route "{route}" of "{name}" belongs to "{owners[path]}" in environment "{environment}"'
                yield view.problem((*SERVICES, name, "routes", index), what)
            owners.setdefault(path, name)
