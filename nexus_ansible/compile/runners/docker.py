# SPDX-License-Identifier: Apache-2.0
"""Docker engines: instances are containers in a network of the environment.

An instance's address is that of the network plus its port. Both stay when instances come and go, so that whoever holds
an address, as nginx does, is right as long as the instance is there. With several engines, each has the network, and
instances are reached at the address of their machine, where their ports are published.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.literal import literal
from nexus_ansible.compile.runners.entries import entry_addresses
from nexus_ansible.compile.runners.ssh_options import key_file
from nexus_ansible.model.machines import LOCALHOST
from nexus_ansible.model.services import SERVICES, build_service, selected_services

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from nexus_ansible.model.machines import Engine, Machine
    from nexus_ansible.model.platform import Environment, Instance
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

ENGINE = "docker"
"""Name of the engine of an environment that lists no machines: `localhost` is the control node."""

IMAGES = {"web": "python:3.13-slim", "redis": "redis:8"}
"""What containers are made of by default. No public image has PostgreSQL or a proxy together with a Python."""

FIRST_NETWORK, LAST_NETWORK = 16, 239
"""Second numbers of the networks that environments have by default; others are common in homes and offices."""

TIMEOUT_S = 600
"""Seconds that an engine may say nothing in while a task runs in a container."""

CERTIFICATES = {"ca_path": "ca.pem", "client_cert": "cert.pem", "client_key": "key.pem"}
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - of a container, whose ports are published one by one
_CONTAINER = "{{ nexus_project }}-{{ nexus_environment }}-"


class DockerRunner:
    """Every engine is a machine: a host whose tasks run in a container there, the console."""

    role = "nexus.automation.runner_docker"
    settings = frozenset({"address", "docker", "machine_groups", "machines"})
    passes = frozenset({"DOCKER_*"})

    def requires(self, environment: Environment) -> Collection[str]:  # noqa: ARG002
        """The engine's client, and its connection plugin."""
        return ("docker", "ansible_collections.community.docker")

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """Services need images, machines need engines, and an engine stands in one place."""
        data: Mapping[str, Any] = registries.get(path)
        yield from _images(registries, path, {**IMAGES, **data.get("docker", {}).get("images", {})})
        yield from _engines(registries, path, data)

    def variables(self, environment: Environment) -> dict[str, Any]:
        """What containers are made of, and the network they are in."""
        return {
            "nexus_network": str(_network(environment)),
            "runner_docker_images": {**IMAGES, **environment.settings.get("images", {})},
            "runner_docker_limits": "{{ nexus_resource_limits | default({}) }}",
            "runner_installs": True,
            "service_provider": "system",
            "service_proxy_server": "nginx",
        }

    def machines(self, environment: Environment) -> dict[str, dict[str, Any]]:
        """Each engine with its instances."""
        placed: dict[str, list[str]] = {name: [] for name in environment.machines}
        for instance in environment.instances:
            placed[instance.machine].append(instance.name)
        return {
            _host(name): {
                **_way(machine),
                "ansible_host": f"{_CONTAINER}console",
                "nexus_address": literal(machine.address),
                "nexus_instances": placed[name],
            }
            for name, machine in environment.machines.items()
        }

    def connection(self, environment: Environment) -> dict[str, Any]:  # noqa: ARG002
        """Tasks run in containers."""
        return {
            "ansible_connection": "community.docker.docker_api",
            "ansible_docker_timeout": TIMEOUT_S,
            "ansible_pipelining": True,
            "ansible_python_interpreter": "python3",
            "ansible_remote_tmp": "/tmp/.ansible",  # noqa: S108 - nobody else is in the container
        }

    def placement(self, environment: Environment, instance: Instance) -> dict[str, Any]:
        """The engine; where the instance listens, where it is reached, and where its port is published."""
        machine = environment.machines[instance.machine]
        # By its own name: where a task is delegated to it, `inventory_hostname` is another host's.
        way = {**_way(machine), "ansible_host": f"{_CONTAINER}{instance.name}"}
        own = str(_network(environment)[instance.port])
        is_entry = instance.service in environment.proxies
        if len(environment.machines) > 1:
            reached = {"nexus_address": literal(machine.address), "nexus_listen": EVERY_ADDRESS}
            return {**way, **reached, "nexus_inside": own, "nexus_published": literal(machine.address)}
        published = {"nexus_published": literal(machine.address), "nexus_listen": EVERY_ADDRESS} if is_entry else {}
        return {**way, "nexus_address": own, "nexus_inside": own, **published}

    def addresses(self, environment: Environment) -> list[str]:
        """Those of the proxies on their machines."""
        return entry_addresses(environment)

    def files(self, environment: Environment) -> dict[str, str]:  # noqa: ARG002
        """There are none."""
        return {}


def _way(machine: Machine) -> dict[str, Any]:
    return {"nexus_machine": _host(machine.name), **_engine(machine.engine)}


def _engine(engine: Engine) -> dict[str, Any]:
    """Variables of the connection plugin. This project's own modules take them from there."""
    way: dict[str, Any] = {"ansible_docker_docker_host": literal(engine.host)}
    if engine.certificates is None:
        return way
    folder = key_file(engine.certificates)
    files = {f"ansible_docker_{option}": f"{folder}/{name}" for option, name in CERTIFICATES.items()}
    return {**way, "ansible_docker_validate_certs": True, **files}


def _host(machine: str) -> str:
    return ENGINE if machine == LOCALHOST else machine


def _network(environment: Environment) -> ipaddress.IPv4Network:
    number = int.from_bytes(hashlib.sha256(f"{environment.project}-{environment.name}".encode()).digest()[:4], "big")
    default = f"10.{FIRST_NETWORK + number % (LAST_NETWORK - FIRST_NETWORK + 1)}.0.0/16"
    return ipaddress.IPv4Network(environment.settings.get("network", default))


def _images(registries: Registries, path: KeyPath, images: Mapping[str, str]) -> Iterator[Problem]:
    for name in selected_services(registries, str(path[-1])):
        capability = build_service(registries, name, "").capability
        if capability not in images:
            where = ".".join(map(str, path))
            hint = f"Add {where}.docker.images.{capability}; docs/how-to/docker.md shows how to make one."
            what = f'the runner "docker" has no image for "{name}", which is {capability}'
            yield registries.problem((*SERVICES, name), what, hint, key=True)


def _engines(registries: Registries, path: KeyPath, data: Mapping[str, Any]) -> Iterator[Problem]:
    for name, machine in data.get("machines", {}).items():
        if "host" not in machine.get("docker", {}):
            hint = 'Add docker: {host: "ssh://USER@HOST"}, or where else its engine answers.'
            yield registries.problem((*path, "machines", name), f'the machine "{name}" has no engine', hint, key=True)
        if "ssh" in machine:
            hint = 'Write docker: {host: "ssh://USER@HOST"} instead.'
            what = 'the runner "docker" has no "ssh"'
            yield registries.problem((*path, "machines", name, "ssh"), what, hint, key=True)
    for key in ("host", "certificates"):
        if "machines" in data and key in data.get("docker", {}):
            hint = "Write it with each machine."
            what = f'an environment with machines has no "{key}" of one engine'
            yield registries.problem((*path, "docker", key), what, hint, key=True)
