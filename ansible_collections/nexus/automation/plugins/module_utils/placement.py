# SPDX-License-Identifier: Apache-2.0
"""Which instance goes on which machine: the same answer everywhere, and nearly the same one after a small change.

Highest random weight (rendezvous) hashing: D. G. Thaler and C. V. Ravishankar, "Using name-based mappings to increase
hit rates", IEEE/ACM Transactions on Networking 6(1), 1998. Bounded loads: V. Mirrokni, M. Thorup and M. Zadimoghaddam,
"Consistent hashing with bounded loads", arXiv:1608.01350, 2017.

An instance takes the machine of the highest weight among those that have no more than their share of its service yet.
Its weight on a machine depends on the two names alone. Shares count the instances before it only, so another number of
instances moves none of those that stay; and they count its own service only, so services move each other only where a
machine is full.

Over random platforms of 6 to 20 machines and up to 6 instances of each service, a machine that comes or goes moves 1 %
of all instances besides the 7 to 8 % that go to it or were on it. Up to 40 of each, where even loads cost more: 12 %.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVEN_LOAD = 2
"""Up to so many instances of a service on each machine, no machine has two more than another."""
LOAD_PERCENT = 125
"""Beyond that, a machine has at most so many percent of the mean: moves get fewer as the bound gets wider."""

_BITS = 64
_MASK = (1 << _BITS) - 1
_FACTORS = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9)  # odd, so that multiplication loses nothing
_TAKES_NONE = "its capacity is no instances"
_TOLERANCE = 1e-9  # CPUs are fractions


@dataclass(frozen=True)
class Machine:
    """A machine that takes instances; `capacity` limits what they may need together.

    Keys of `capacity` are those of `Demand.resources` (CPUs, bytes of memory), and `instances`, their number.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Demand:
    """A service: how many instances, what each needs, and which machines will do.

    `machines` names them; empty means any. Of `labels`, a machine must have all. Instances are spread evenly over the
    values of the label `spread`, which a machine must have, too.
    """

    service: str
    instances: int
    resources: Mapping[str, float] = field(default_factory=dict)
    machines: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    spread: str | None = None
    max_per_machine: int | None = None


@dataclass(frozen=True)
class Shortage:
    """A service that has no machine for all of its instances. `reasons` counts machines by why they will not do."""

    service: str
    wanted: int
    placed: int
    reasons: Mapping[str, int]


@dataclass(frozen=True)
class Assignment:
    """Machines by instance (`SERVICE-NUMBER`), and the services that got fewer than they want."""

    machines: Mapping[str, str]
    shortages: tuple[Shortage, ...]


@dataclass
class _Host:
    """A machine as it fills up; `left` holds only what is limited."""

    machine: Machine
    seed: int
    left: dict[str, float]


@dataclass
class _Seat:
    """A machine as one service sees it; `load` counts the service's own instances there."""

    host: _Host
    seed: int
    load: int = 0


@dataclass
class _Zone:
    """The machines of one value of the label that a service is spread over, and those of them that may have room."""

    seed: int
    seats: list[_Seat]
    open: list[_Seat]
    load: int = 0


@dataclass
class _Service:
    """A demand as it is met; `choice` is how many machines will do."""

    demand: Demand
    needs: dict[str, float]
    zones: list[_Zone]
    choice: int
    placed: int = 0
    short: bool = False


def place(machines: Sequence[Machine], demands: Sequence[Demand]) -> Assignment:
    """Give every instance a machine. The order of the arguments does not matter.

    Services that fewer machines will do for come first, then first instances before second ones, large before small:
    where machines are nearly full, it is the last instances that move.
    """
    hosts = [_Host(machine, _digest(machine.name), dict(machine.capacity)) for machine in machines]
    services = [_service(demand, hosts) for demand in demands]
    turns = sorted(
        (service.choice, index, [-service.needs.get(key, 0) for key in ("memory", "cpu")], service.demand.service)
        for service in services
        for index in range(1, service.demand.instances + 1)
    )
    by_name = {service.demand.service: service for service in services}
    found: dict[str, str] = {}
    for _, index, _, name in turns:
        service = by_name[name]
        instance = f"{name}-{index}"
        host = None if service.short else _take(service, instance)
        service.short = host is None
        if host is not None:
            found[instance] = host.machine.name
    shortages = [_shortage(service, hosts) for service in services if service.short]
    return Assignment(found, tuple(sorted(shortages, key=lambda shortage: shortage.service)))


def eligible(machines: Sequence[Machine], demand: Demand) -> list[Machine]:
    """The machines that would do for a service, were they empty of others' instances."""
    return [machine for machine in machines if _refusal(machine, demand) is None]


def _service(demand: Demand, hosts: Sequence[_Host]) -> _Service:
    by_value: dict[str, list[_Seat]] = {}
    for host in hosts:
        if _refusal(host.machine, demand) is None:
            value = host.machine.labels[demand.spread] if demand.spread else ""
            by_value.setdefault(value, []).append(_Seat(host, host.seed))
    zones = [_Zone(_digest(f"{demand.spread}={value}"), seats, seats) for value, seats in by_value.items()]
    return _Service(demand, {**demand.resources, "instances": 1}, zones, sum(len(zone.seats) for zone in zones))


def _refusal(machine: Machine, demand: Demand) -> str | None:
    """Why a machine will never do for a service, or None."""
    if demand.machines and machine.name not in demand.machines:
        return "not named in placement.machines"
    for label, value in sorted(demand.labels.items()):
        if machine.labels.get(label) != value:
            return f'label {label} is not "{value}"'
    if demand.spread and demand.spread not in machine.labels:
        return f"no label {demand.spread} to spread over"
    needs = {**demand.resources, "instances": 1}
    for key, limit in sorted(machine.capacity.items()):
        if needs.get(key, 0) > limit + _TOLERANCE:
            return _TAKES_NONE if key == "instances" else f"less {key} than an instance needs"
    return None


def _take(service: _Service, instance: str) -> _Host | None:
    """Put the next instance of a service on a machine, and return that, or None where none has room."""
    key = _digest(instance)
    while zones := [zone for zone in service.zones if zone.open]:
        share = max(-(-(service.placed + 1) // len(service.zones)), min(zone.load for zone in zones) + 1)
        zone = max((zone for zone in zones if zone.load < share), key=lambda zone: _weight(key, zone.seed))
        seat = _pick(service, zone, key)
        if seat is not None:
            seat.load += 1
            zone.load += 1
            service.placed += 1
            left = seat.host.left
            for need in left.keys() & service.needs.keys():
                left[need] -= service.needs[need]
            return seat.host
    return None


def _pick(service: _Service, zone: _Zone, key: int) -> _Seat | None:
    """The machine of a zone for the instance `key`, or None where none has room: then the zone is no longer open."""
    while zone.open:
        share = max(_share(zone.load + 1, len(zone.seats)), min([seat.load for seat in zone.open]) + 1)
        best = max([seat for seat in zone.open if seat.load < share], key=lambda seat: _weight(key, seat.seed))
        if _obstacle(service, best) is None:
            return best
        zone.open = [seat for seat in zone.open if seat is not best]
    return None


def _obstacle(service: _Service, seat: _Seat) -> str | None:
    """Why a machine that would do has no room now, or None."""
    most = service.demand.max_per_machine
    if most is not None and seat.load >= most:
        return "max_per_machine is reached"
    needs = service.needs
    for need, left in seat.host.left.items():
        if needs.get(need, 0) > left + _TOLERANCE:
            return "no more instances fit its capacity" if need == "instances" else f"not enough {need} left"
    return None


def _share(instances: int, machines: int) -> int:
    """The most instances that one of `machines` may have when there are `instances`."""
    even = -(-instances // machines)
    return even if even <= EVEN_LOAD else -(-instances * LOAD_PERCENT // (machines * 100))


def _shortage(service: _Service, hosts: Sequence[_Host]) -> Shortage:
    reasons = Counter(_refusal(host.machine, service.demand) for host in hosts)
    reasons.update(_obstacle(service, seat) for zone in service.zones for seat in zone.seats)
    counted = sorted(
        ((count, reason) for reason, count in reasons.items() if reason), key=lambda pair: (-pair[0], pair[1])
    )
    return Shortage(
        service.demand.service,
        service.demand.instances,
        service.placed,
        {reason: count for count, reason in counted},
    )


def _digest(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[: _BITS // 8], "big")


def _weight(key: int, seed: int) -> int:
    """The weight of an instance on a machine: of all machines it prefers one, and instances differ in which."""
    mixed = (key ^ seed) * _FACTORS[0] & _MASK
    return (mixed ^ mixed >> 32) * _FACTORS[1] & _MASK
