# SPDX-License-Identifier: Apache-2.0
"""Rules for the services of one environment together: order, ports, routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nexus_ansible.model.services import (
    DEFAULT_PORT_RANGE,
    SERVICES,
    build_service,
    instances,
    selected_services,
    waves,
)
from nexus_ansible.registries.problems import Problem
from nexus_ansible.registries.registry_set import Registries


def environment_rules(view: Registries, environment: str) -> Iterator[Problem]:
    """What the services of one environment can have wrong between them."""
    names = selected_services(view, environment)
    yield from _missing(view, environment, names)
    yield from _ports(view, environment, names)
    yield from _routes(view, environment, names)
    services = {name: build_service(view, name, "nexus") for name in names if _sound(view, name)}
    try:
        waves(services)
    except ValueError as error:
        first = str(error).split(" -> ")[0]
        where = (*SERVICES, first, "dependencies")
        yield view.problem(where, f"services depend on each other in a cycle: {error}", "Remove one of the arrows.")
    port_range = view.get(("orchestration", "environments", environment, "port_range"), DEFAULT_PORT_RANGE)
    where = ("orchestration", "environments", environment, "port_range")
    first_port, _, last_port = port_range.partition("-")
    if not 0 < int(first_port) <= int(last_port) < 65536:
        yield view.problem(where, f'"{port_range}" is not a range of ports', "FIRST-LAST, each from 1 to 65535.")
        return
    try:
        instances(services, port_range, environment)
    except ValueError as error:
        yield view.problem(where, str(error), "Widen port_range, or give services ports of their own.")


def _sound(view: Registries, name: str) -> bool:
    scaling = view.get((*SERVICES, name, "scaling")) or {}
    return scaling.get("min_replicas", 1) <= scaling.get("max_replicas", 10**9)


def _missing(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    defined: Mapping[str, Any] = view.get(SERVICES, {})
    for name in names:
        for index, need in enumerate((defined.get(name) or {}).get("dependencies", ())):
            if need in defined and need not in names:
                where = (*SERVICES, name, "dependencies", index)
                what = f'environment "{environment}" has "{name}" but not "{need}", which it depends on'
                yield view.problem(where, what, f"Add it to orchestration.environments.{environment}.services.")


def _ports(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    owners: dict[int, str] = {}
    coordination: Mapping[str, Any] = view.get(("orchestration", "coordination")) or {}
    for part, data in coordination.items():
        if "port" in (data or {}):
            owners[data["port"]] = f"orchestration.coordination.{part}"
    for name in names:
        data = view.get((*SERVICES, name)) or {}
        if "port" not in data:
            continue
        scaling = data.get("scaling") or {}
        count = max(scaling.get("max_replicas", scaling.get("min_replicas", 1)), 1)
        taken = [port for port in range(data["port"], data["port"] + count) if port in owners]
        if taken:
            what = f'port {taken[0]} of "{name}" is taken by {owners[taken[0]]} in environment "{environment}"'
            hint = f"{name} needs {data['port']}-{data['port'] + count - 1}, one for each of max_replicas."
            yield view.problem((*SERVICES, name, "port"), what, hint)
        if data["port"] + count - 1 > 65535:
            what = f"the {count} instances of {name} need ports up to {data['port'] + count - 1}"
            yield view.problem((*SERVICES, name, "port"), what, "The last port is 65535.")
        owners |= dict.fromkeys(range(data["port"], data["port"] + count), f'"{name}"')


def _routes(view: Registries, environment: str, names: tuple[str, ...]) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name in names:
        for index, route in enumerate((view.get((*SERVICES, name)) or {}).get("routes", ())):
            path = route.rstrip("/") or "/"
            if path in owners:
                what = f'route "{route}" of "{name}" belongs to "{owners[path]}" in environment "{environment}"'
                yield view.problem((*SERVICES, name, "routes", index), what)
            owners.setdefault(path, name)
