# SPDX-License-Identifier: Apache-2.0
"""Services and instances out of the orchestration registry: defaults, waves, batches, ports."""

from __future__ import annotations

import hashlib
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from ansible_collections.nexus.automation.plugins.module_utils.quantities import resources
from nexus_ansible.model.machines import LOCALHOST
from nexus_ansible.model.placing import build_placement
from nexus_ansible.model.platform import HealthCheck, Instance, Scaling, Service
from nexus_ansible.model.units import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nexus_ansible.registries.registry_set import Registries

SERVICES = ("orchestration", "services")
PROVIDED = {"nginx": "proxy", "caddy": "proxy", "redis": "redis", "postgresql": "postgresql"}
"""Services that a dependency may name without defining them, and their capability."""
NOT_SHIPPED = {"nginx"}
"""Servers that are taken from the system, because the toolkit does not bring them."""

DEFAULT_CHECK = {"web": "http", "proxy": "tcp", "postgresql": "postgresql", "redis": "redis"}
SINGLE_INSTANCE = {"postgresql", "redis", "proxy"}
DEFAULT_PORT_RANGE = "20000-32767"
LAST_PORT = 65535


def capability_of(name: str, data: Mapping[str, Any]) -> str:
    """What kind of service it is: as given, else told from the name and the health check."""
    if "capability" in data:
        return str(data["capability"])
    health = data.get("health_check", {})
    if str(health.get("command", "")).startswith("pg_"):
        return "postgresql"
    if "endpoint" in health:
        return "web"
    return PROVIDED.get(name, "proxy" if name == "proxy" else "web")


def selected_services(registries: Registries, environment: str) -> tuple[str, ...]:
    """Names of an environment's services, those provided by the toolkit included, sorted."""
    defined: Mapping[str, Any] = registries.get(SERVICES, {})
    chosen = registries.get(("orchestration", "environments", environment, "services"), list(defined))
    names = {name for name in chosen if name in defined or name in PROVIDED}
    needed = {need for name in names for need in defined.get(name, {}).get("dependencies", ())}
    return tuple(sorted(names | {need for need in needed if need in PROVIDED and need not in defined}))


def build_service(registries: Registries, name: str, project: str) -> Service:
    """A service with every default filled in."""
    data: Mapping[str, Any] = registries.get((*SERVICES, name), {})
    capability = capability_of(name, data)
    return Service(
        name=name,
        capability=capability,
        dependencies=tuple(data.get("dependencies", ())),
        health=_health(capability, data.get("health_check", {})),
        scaling=_scaling(data.get("scaling", {})),
        port=data.get("port"),
        source=data.get("source"),
        build=data.get("build", {}),
        test=tuple(data.get("test", ())),
        command=tuple(data.get("command", ())),
        environment={key: _text(value) for key, value in data.get("environment", {}).items()},
        routes=tuple(data.get("routes", ())),
        smoke=tuple(data.get("smoke", ())),
        settings=_settings(capability, name, data.get("settings", {}), project),
        drain_timeout=seconds(data.get("drain_timeout", "30s")),
        stop_timeout=seconds(data.get("stop_timeout", "30s")),
        resources=resources(data.get("resources", {})),
        keep_releases=data.get("keep_releases", 3),
        placement=build_placement(data.get("placement", {})),
        position=registries.at((*SERVICES, name), key=True),
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _health(capability: str, data: Mapping[str, Any]) -> HealthCheck:
    command = tuple(str(data.get("command", "")).split())
    kind = (
        "http"
        if "endpoint" in data
        else "command"
        if command
        else "tcp"
        if "tcp" in data
        else DEFAULT_CHECK[capability]
    )
    return HealthCheck(
        kind=kind,
        path=data.get("endpoint", "/health" if kind == "http" else None),
        command=command,
        interval=seconds(data.get("interval", "30s")),
        timeout=seconds(data.get("timeout", "10s")),
        retries=data.get("retries", 3),
        start_period=seconds(data.get("start_period", "60s")),
    )


def _scaling(data: Mapping[str, Any]) -> Scaling:
    least = data.get("min_replicas", 1)
    most = max(data.get("max_replicas", 1), least)
    return Scaling(least, most, data.get("max_unavailable", 1), data.get("target_cpu"), data.get("target_memory"))


def _settings(capability: str, name: str, data: Mapping[str, Any], project: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    owner = project.replace("-", "_")
    if capability in {"postgresql", "redis"}:
        settings["password"] = f"${{{name.upper().replace('-', '_')}_PASSWORD}}"
    if capability == "postgresql":
        settings |= {"database": owner, "user": owner}
    return settings | dict(data)


def needs_of(dependencies: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """What each service waits for: those of its dependencies that are deployed with it."""
    return {name: [need for need in needs if need in dependencies] for name, needs in dependencies.items()}


def waves(services: Mapping[str, Service]) -> tuple[tuple[str, ...], ...]:
    """Services in the order of their deployment: a wave needs only what earlier waves hold.

    Raises graphlib.CycleError when there is no such order.
    """
    order = TopologicalSorter(needs_of({name: service.dependencies for name, service in services.items()}))
    order.prepare()
    found: list[tuple[str, ...]] = []
    while order.is_active():
        ready = order.get_ready()
        found.append(tuple(sorted(ready)))
        order.done(*ready)
    return tuple(found)


def cycles(needs: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Services that wait for each other, each cycle as a path from its first name back to it: a, b, a."""
    rest = {name: list(needs[name]) for name in sorted(needs)}
    while True:
        try:
            TopologicalSorter(rest).prepare()
        except CycleError as error:
            names = error.args[1][:0:-1]
            start = names.index(min(names))
            cycle = [*names[start:], *names[:start], names[start]]
            yield cycle
            rest[cycle[-2]].remove(cycle[-1])
        else:
            return


def coordination_ports(registries: Registries) -> dict[int, str]:
    """Ports that parts of the orchestrator listen on, and which part it is."""
    parts: Mapping[str, Any] = registries.get(("orchestration", "coordination"), {})
    return {data["port"]: f"orchestration.coordination.{part}" for part, data in parts.items() if "port" in data}


def instances(
    services: Mapping[str, Service],
    port_range: str,
    environment: str,
    reserved: Iterable[int] = (),
    machines: Mapping[str, str] | None = None,
) -> tuple[Instance, ...]:
    """Every instance, sorted by service and number. Raises ValueError when the port range is too small.

    A service without a port gets a block of `max_replicas` ports at a place that only its own name and its
    environment's decide (collisions move on to the next free place), so that adding a service or a replica does not
    move the others. Ports in `reserved` are left free. `machines` tells the machine of each instance that has one; by
    default there is only one.
    """
    first, _, last = port_range.partition("-")
    taken = set(reserved)
    for service in services.values():
        if service.port is not None:
            taken.update(range(service.port, service.port + service.scaling.max_replicas))
    result: list[Instance] = []
    for name in sorted(services):
        service = services[name]
        base = service.port
        if base is None:
            base = _free_block(f"{environment}/{name}", service.scaling.max_replicas, int(first), int(last), taken)
        for index in range(1, service.scaling.min_replicas + 1):
            batch = -(-index // service.scaling.max_unavailable)
            instance = f"{name}-{index}"
            machine = LOCALHOST if machines is None else machines.get(instance, "")
            result.append(Instance(instance, name, index, base + index - 1, batch, machine))
    return tuple(result)


def _free_block(name: str, size: int, first: int, last: int, taken: set[int]) -> int:
    slots = (last - first + 1) // size
    start = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % max(slots, 1)
    for attempt in range(slots):
        base = first + (start + attempt) % slots * size
        block = range(base, base + size)
        if taken.isdisjoint(block):
            taken.update(block)
            return base
    raise ValueError(f"the port range {first}-{last} has no room for {name}")
