# SPDX-License-Identifier: Apache-2.0
"""The platform as data: services, environments, workflows and policies."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.model.machines import Bastion, Machine, Placement
    from nexus_ansible.registries.problems import Position


@dataclass(frozen=True)
class HealthCheck:
    """How the health of an instance is told; times in seconds."""

    kind: str
    path: str | None
    command: tuple[str, ...]
    interval: float
    timeout: float
    retries: int
    start_period: float


@dataclass(frozen=True)
class Scaling:
    """How many instances there are, and how many may be replaced at a time; targets in percent, None without one."""

    min_replicas: int
    max_replicas: int
    max_unavailable: int
    target_cpu: int | None = None
    target_memory: int | None = None


@dataclass(frozen=True)
class Service:
    """One service of one environment; times in seconds, memory in bytes, paths relative to the project."""

    name: str
    capability: str
    dependencies: tuple[str, ...]
    health: HealthCheck
    scaling: Scaling
    port: int | None
    source: str | None
    build: Mapping[str, Any]
    test: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    routes: tuple[str, ...]
    smoke: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    drain_timeout: float
    stop_timeout: float
    resources: Mapping[str, float]
    keep_releases: int
    placement: Placement
    position: Position

    @property
    def group(self) -> str:
        """Name of the service's inventory group: `my-api` -> `my_api`."""
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class Instance:
    """One instance of a service: an inventory host. `batch` tells when a rollout of its service reaches it.

    `machine` is the name of the machine it is placed on; empty where machines are discovered.
    """

    name: str
    service: str
    index: int
    port: int
    batch: int
    machine: str


@dataclass(frozen=True)
class Environment:
    """One environment: its services, their order of deployment, every instance, and the machines they are on.

    `supervision` None is what the runner takes. `machines` is empty where there is a `discovery`. `settings` are the
    entry of the runner's own name, such as `docker`, or those of a runner that another package brings. `control_node`
    is where commands run that are given `--on`; empty where nobody said.
    """

    name: str
    project: str
    runner: str
    description: str
    address: str
    supervision: str | None
    services: Mapping[str, Service]
    waves: tuple[tuple[str, ...], ...]
    instances: tuple[Instance, ...]
    machines: Mapping[str, Machine]
    bastions: Mapping[str, Bastion]
    discovery: Discovery | None
    settings: Mapping[str, Any]
    control_node: Mapping[str, Any]
    position: Position

    @cached_property
    def ports(self) -> Mapping[str, int]:
        """By service, the lowest port of its instances."""
        found: dict[str, int] = {}
        for instance in self.instances:
            found[instance.service] = min(instance.port, found.get(instance.service, instance.port))
        return found

    @cached_property
    def proxies(self) -> tuple[str, ...]:
        """Services that stand before others, in the order of the registry."""
        return tuple(service.name for service in self.services.values() if service.capability == "proxy")

    @cached_property
    def dependents(self) -> Mapping[str, list[str]]:
        """By service, those that depend on it, in the order of the registry."""
        found: dict[str, list[str]] = {name: [] for name in self.services}
        for service in self.services.values():
            for need in found.keys() & set(service.dependencies):
                found[need].append(service.name)
        return found

    def wave_of(self) -> dict[str, int]:
        """Wave of each service, counted from 1."""
        return {name: number for number, wave in enumerate(self.waves, start=1) for name in wave}


@dataclass(frozen=True)
class Step:
    """One step: an entry point of a role, or a command. `hosts` None means: what the role says."""

    name: str
    role: str
    entry_point: str
    command: tuple[str, ...]
    arguments: Mapping[str, Any]
    hosts: str | None
    timeout: float | None
    retries: int | None
    position: Position
    argument_positions: Mapping[str, Position] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """Steps that belong together. A workflow without stages is one nameless stage."""

    name: str
    steps: tuple[Step, ...]
    parallel: bool
    timeout: float | None
    position: Position


@dataclass(frozen=True)
class Retry:
    """How a failed step is tried again; `delay` is the first pause in seconds."""

    policy: str
    limit: int
    delay: float


@dataclass(frozen=True)
class Workflow:
    """A workflow or a pipeline. `environment` None means: any."""

    name: str
    family: str
    environment: str | None
    description: str
    triggers: tuple[str, ...]
    stages: tuple[Stage, ...]
    timeout: float | None
    task_timeout: float
    retry: Retry
    schedule: str | None
    interval: float | None
    retention: float | None
    position: Position

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, in order."""
        return tuple(step for stage in self.stages for step in stage.steps)


@dataclass(frozen=True)
class Role:
    """A role of security.authorization: what people may do, and what then still needs an approval."""

    name: str
    permissions: tuple[str, ...]
    restrictions: tuple[str, ...]


@dataclass(frozen=True)
class Authorization:
    """Roles and who has them, by operating-system user and group."""

    roles: Mapping[str, Role]
    users: Mapping[str, str]
    groups: Mapping[str, str]
    default_role: str | None


@dataclass(frozen=True)
class Policies:
    """What holds for every run of an environment; times in seconds, memory in bytes."""

    max_concurrent: int
    forks: int
    strategy: str
    pass_environment: tuple[str, ...]
    resources: Mapping[str, float]
    audit_reads: bool
    syslog_marker: bool
    log_level: str
    compare_durations: bool


@dataclass(frozen=True)
class Secret:
    """Where a secret comes from, and which line of which registry asks for it first."""

    name: str
    generate: bool
    lookup: str | None
    terms: tuple[str, ...]
    options: Mapping[str, Any]
    asked_by: Position


@dataclass(frozen=True)
class Platform:
    """Everything the registries describe. Policies, secrets and authorization are per environment."""

    project: str
    environments: Mapping[str, Environment]
    workflows: Mapping[str, Workflow]
    policies: Mapping[str, Policies]
    authorization: Mapping[str, Authorization]
    secrets: Mapping[str, Mapping[str, Secret]] = field(default_factory=dict)
