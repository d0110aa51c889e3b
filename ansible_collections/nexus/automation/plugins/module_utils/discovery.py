# SPDX-License-Identifier: Apache-2.0
"""Machines that the inventory of a cloud found: which of them will do, and what each instance on them is told.

What a vendor's inventory knows of a machine is first brought into one form, `nexus_discovered`:

    {"id": "i-0123456789abcdef0", "name": "web-1", "address": "10.0.1.1", "host": "203.0.113.7", "state": "running",
     "labels": {"zone": "eu-central-1a"}, "tags": {"nexus-label-tier": "web"}, "variables": {}}

`address` is where its instances listen, `host` where the control node reaches it, `labels` what the vendor says of its
place and kind. `variables`, which may be missing, are what its connection has to know of it besides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import AdapterError
from .placement import Demand, Machine, Shortage, eligible, place
from .quantities import cpu_count, memory_bytes

LABEL_TAG = "nexus-label-"
CAPACITY_TAG = "nexus-capacity-"
HOST_KEY_TAG = "nexus-host-key"
RUNNING = "running"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_ADDRESS = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:_-]*")
_HOST_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]{32,}={0,2}")
_READ: dict[str, Callable[[str], float]] = {"cpu": cpu_count, "memory": memory_bytes, "instances": int}


class DiscoveryError(AdapterError):
    """The machines that were found are not those that an environment can run on."""


@dataclass(frozen=True)
class Found:
    """A machine that a cloud has, ready to take instances. `host_key` None means that no tag holds it."""

    id: str
    name: str
    address: str
    host: str
    host_key: str | None
    labels: Mapping[str, str]
    capacity: Mapping[str, float]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """What an environment asks of the machines that are found.

    `label_tags` are tags by the label that they are. Services of `stay` hold data, or have an address that people use:
    they must not move when a machine comes or goes. `looked_in` are values by label, each of which a machine must have:
    places of which the source does not say whether they answered.
    """

    environment: str
    at_least: int
    label_tags: Mapping[str, str]
    demands: Sequence[Demand]
    stay: frozenset[str] = frozenset()
    looked_in: Mapping[str, Sequence[str]] = field(default_factory=dict)


def way(name: str, address: str, host: str) -> dict[str, str]:
    """Variables that a machine and every instance on it have in common: where it is.

    >>> way("web-1", "10.0.1.1", "203.0.113.7")
    {'ansible_host': '203.0.113.7', 'nexus_address': '10.0.1.1', 'nexus_machine': 'web-1'}
    """
    return {"ansible_host": host, "nexus_address": address, "nexus_machine": name}


def read_machines(told: Sequence[Mapping[str, Any]], wanted: Wanted, taken: frozenset[str]) -> list[Found]:
    """Machines by name, sorted. `taken` are names that the inventory has for something else, without hyphens.

    Raises DiscoveryError with everything that keeps a machine, or all of them together, from being used.
    """
    problems = [problem for one in told for problem in _problems(one, taken)]
    problems += _same(told, "name")
    problems += _same(told, "address")
    problems += _empty(told, wanted.looked_in)
    if len(told) < wanted.at_least:
        names = ", ".join(sorted(str(one["name"] or one["id"]) for one in told)) or "none"
        problems.append(
            f"{len(told)} machines were found and {wanted.at_least} are expected: {names}. Compare the filters of the "
            "registry with the tags of the machines, or change expect.min"
        )
    if problems:
        raise DiscoveryError(_told(wanted.environment, problems))
    return sorted((_found(one, wanted.label_tags) for one in told), key=lambda machine: machine.name)


def assign(machines: Sequence[Found], wanted: Wanted) -> dict[str, str]:
    """Names of machines by instance. Raises DiscoveryError where one cannot be placed, or could end up elsewhere."""
    sites = [Machine(machine.name, machine.labels, machine.capacity) for machine in machines]
    problems = list(_unsettled(sites, wanted))
    assignment = place(sites, wanted.demands)
    problems += [_short(shortage) for shortage in assignment.shortages]
    if problems:
        raise DiscoveryError(_told(wanted.environment, problems))
    return dict(assignment.machines)


def _problems(one: Mapping[str, Any], taken: frozenset[str]) -> Iterator[str]:
    name, which = str(one["name"] or ""), f"{one['name'] or 'a machine without a name'} ({one['id']})"
    if not _NAME.fullmatch(name):
        yield f"{which}: not a name of lower-case letters, digits, - and _, starting with a letter. Name it so"
    elif name.replace("-", "_") in taken:
        yield f"{which}: a service, an instance or a group of the inventory has that name. Name it otherwise"
    if one["state"] != RUNNING:
        yield f"{which}: is {one['state']}, not {RUNNING}. Start it, or take it out of what the filters find"
        return
    for key in ("address", "host"):
        if not _ADDRESS.fullmatch(str(one[key] or "")):
            yield f"{which}: has no {key} to be reached at. Give it one, or choose the other kind in the registry"
    try:
        _capacity(one["tags"])
    except ValueError as error:
        yield f"{which}: {error}"
    key = one["tags"].get(HOST_KEY_TAG)
    if key is not None and not _HOST_KEY.fullmatch(_public(key)):
        yield f"{which}: the tag {HOST_KEY_TAG} is not a public key. It holds the first two words of the key's file"


def _same(told: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    counted = Counter(str(one[key]) for one in told if one[key])
    return [
        f"the {key} {value} belongs to {' and '.join(sorted(str(one['id']) for one in told if one[key] == value))}. "
        "Every machine needs its own"
        for value, number in sorted(counted.items())
        if number > 1
    ]


def _empty(told: Sequence[Mapping[str, Any]], looked_in: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for label, values in looked_in.items():
        seen = {one["labels"].get(label) for one in told}
        for value in values:
            if value not in seen:
                yield (
                    f"no machine was found in the {label.replace('_', ' ')} {value}: it does not exist, the credentials"
                    " may not read it, or it has none with the tags of the registry. Correct that, or do not look there"
                )


def _found(one: Mapping[str, Any], label_tags: Mapping[str, str]) -> Found:
    tags: Mapping[str, str] = one["tags"]
    prefixed = {tag.removeprefix(LABEL_TAG): value for tag, value in tags.items() if tag.startswith(LABEL_TAG)}
    mapped = {label: tags[tag] for label, tag in label_tags.items() if tag in tags}
    return Found(
        id=str(one["id"]),
        name=str(one["name"]),
        address=str(one["address"]),
        host=str(one["host"]),
        host_key=_public(tags[HOST_KEY_TAG]) if HOST_KEY_TAG in tags else None,
        labels={**one["labels"], **prefixed, **mapped},
        capacity=_capacity(tags),
        variables=one.get("variables", {}),
    )


def _capacity(tags: Mapping[str, str]) -> dict[str, float]:
    """What a machine can take, told by its tags. Raises ValueError."""
    found: dict[str, float] = {}
    for tag, value in sorted(tags.items()):
        kind = tag.removeprefix(CAPACITY_TAG)
        if kind == tag:
            continue
        if kind not in _READ:
            raise ValueError(f"there is no tag {tag}. {CAPACITY_TAG} goes with {', '.join(sorted(_READ))}")
        try:
            found[kind] = _READ[kind](value)
        except ValueError:
            raise ValueError(f'the tag {tag} is "{value}". Write an amount such as 2, 500m or 4Gi') from None
    return found


def _public(key: str) -> str:
    return " ".join(key.split()[:2])


def _unsettled(sites: Sequence[Machine], wanted: Wanted) -> Iterator[str]:
    for demand in wanted.demands:
        fit = [machine.name for machine in eligible(sites, demand)]
        if demand.service in wanted.stay and demand.instances and not demand.machines and len(fit) > 1:
            yield (
                f'"{demand.service}" must stay on one machine, and {len(fit)} would do: {", ".join(sorted(fit))}. '
                "Choose one by its placement: machines, or labels that only one machine has"
            )


def _short(shortage: Shortage) -> str:
    reasons = "; ".join(f"{count} of the machines: {reason}" for reason, count in shortage.reasons.items())
    return f'"{shortage.service}" wants {shortage.wanted} instances and {shortage.placed} can be placed. {reasons}'


def _told(environment: str, problems: Sequence[str]) -> str:
    lines = "".join(f"\n  {problem}." for problem in problems)
    return f"environment {environment}: its machines are not as they must be; nothing was touched.{lines}"
