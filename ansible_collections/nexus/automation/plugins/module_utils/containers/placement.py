# SPDX-License-Identifier: Apache-2.0
"""Have an instance run one of its versions: in the container it is, in one that was kept, or in a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from .files import Entry
from .fleet import Placed, State
from .layout import DATA, GATES, LABELS, LAUNCHER, RUNTIME, USER, restart_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .fleet import Fleet

LOG = {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Order:
    """An instance as a container.

    `files` are name, content and whether it is secret. `published` are ports of the engine's machine, each `(address,
    port)`. `resources` are CPUs and bytes, `stop_timeout` is in seconds, `healthcheck` is the engine's own.
    """

    instance: str
    version: str
    image: str
    launcher: str
    secrets: str
    files: tuple[tuple[str, str, bool], ...]
    environment: Mapping[str, str]
    release: str
    release_path: str
    data: bool
    gates: bool
    address: str
    port: int
    published: tuple[tuple[str, int], ...]
    resources: Mapping[str, float]
    stop_signal: str
    stop_timeout: int
    healthcheck: tuple[str, ...]


def place(fleet: Fleet, order: Order) -> None:
    """Have the instance run what is ordered."""
    found = fleet.placed(order.instance)
    here = _container_of(order.version, found)
    if here is None:
        here = _create(fleet, order)
    elif order.version not in here.says.versions:
        _write(fleet, here.id, order)
        here = replace(here, says=replace(here.says, versions=(*here.says.versions, order.version)))
    _switch(fleet, here, found, order.version, order.stop_timeout)


def restore(fleet: Fleet, instance: str, version: str, stop_timeout: int) -> None:
    """Have the instance run a version that is still there. Raises AdapterError when it is not."""
    found = fleet.placed(instance)
    here = _container_of(version, found)
    if here is None or version not in here.says.versions:
        raise AdapterError(f"{instance}: version {version} is no longer on the engine. Deploy it anew.")
    _switch(fleet, here, found, version, stop_timeout)


def restart(fleet: Fleet, instance: str, stop_timeout: int) -> None:
    """Restart the instance's container."""
    with fleet.explained(f"cannot restart {instance}"):
        fleet.client.restart(fleet.ground.container(instance), timeout=stop_timeout)


def accept(fleet: Fleet, instance: str) -> None:
    """Mark the version that runs as good, and remove the containers that were kept to go back to."""
    for one in fleet.placed(instance):
        if one.kept:
            _remove(fleet, one)
        elif one.says.version:
            fleet.tell(one.id, replace(one.says, good=one.says.version))


def remove(fleet: Fleet, instance: str, stop_timeout: int) -> None:
    """Stop and remove every container of the instance. Its data stays."""
    for one in fleet.placed(instance):
        _stop(fleet, one, stop_timeout)
        _remove(fleet, one)


def _container_of(version: str, found: list[Placed]) -> Placed | None:
    part = restart_part(version)
    return next((one for one in found if restart_part(one.says.version) == part), None)


def _switch(fleet: Fleet, here: Placed, found: list[Placed], version: str, stop_timeout: int) -> None:
    """Have `here` be the instance's container and run the version; the one that was that is kept if it is good."""
    for other in found:
        if not other.kept and other.id != here.id:
            _set_aside(fleet, other, stop_timeout)
    if here.kept:
        with fleet.explained(f"cannot rename the container of {here.instance}"):
            fleet.client.rename(here.id, fleet.ground.container(here.instance))
    fleet.put(here.id, [Entry("current", link=f"versions/{version}")])
    fleet.tell(here.id, replace(here.says, version=version))
    if here.state != "running":
        with fleet.explained(f"cannot start {here.instance}"):
            fleet.client.start(here.id)


def _set_aside(fleet: Fleet, other: Placed, stop_timeout: int) -> None:
    _stop(fleet, other, stop_timeout)
    if other.says.good:
        with fleet.explained(f"cannot rename the container of {other.instance}"):
            fleet.client.rename(other.id, fleet.ground.kept(other.instance, other.says.version))
    else:
        _remove(fleet, other)


def _stop(fleet: Fleet, one: Placed, stop_timeout: int) -> None:
    with fleet.explained(f"cannot stop {one.instance}"):
        fleet.client.stop(one.id, timeout=stop_timeout)


def _remove(fleet: Fleet, one: Placed) -> None:
    with fleet.explained(f"cannot remove a container of {one.instance}"):
        fleet.client.remove_container(one.id, v=True, force=True)


def _create(fleet: Fleet, order: Order) -> Placed:
    """A container that is not started, under the name of one that is kept: the instance still runs another."""
    name = fleet.ground.kept(order.instance, order.version)
    with fleet.explained(f"cannot make a container of {order.image}"):
        # What an apply that was cut off left under this name is not complete.
        for left in fleet.client.containers(all=True, filters={"name": [f"^/{name}$"]}):
            fleet.client.remove_container(left["Id"], v=True, force=True)
        made = fleet.client.create_container_from_config(_configuration(fleet, order), name)["Id"]
    _write(fleet, made, order)
    says = State(version=order.version, versions=(order.version,))
    return Placed(made, order.instance, True, "stopped", None, None, order.release, says)


def _write(fleet: Fleet, container: str, order: Order) -> None:
    """Write a version's files, and what all versions of a container share."""
    folder = f"versions/{order.version}"
    entries = [Entry(folder, mode=0o755)]
    entries += [
        Entry(f"{folder}/{name}", content, 0o400 if secret else 0o644, own=secret)
        for name, content, secret in order.files
    ]
    if order.release_path:
        entries.append(Entry(f"{folder}/release", link=order.release_path))
    shared = [Entry("run", order.launcher, 0o755), Entry("versions", mode=0o755)]
    if order.secrets:
        shared.append(Entry("secrets.env", order.secrets, 0o400, own=True))
    if order.data:
        shared.append(Entry("data", mode=0o700, own=True))
    fleet.put(container, [Entry("nexus", mode=0o755)], "/")
    fleet.put(container, [*shared, *entries])


def _configuration(fleet: Fleet, order: Order) -> dict[str, Any]:
    """What the engine makes a container of (`ContainerCreate` of its API)."""
    ground = fleet.ground
    port = f"{order.port}/tcp"
    mounts = [(ground.data(order.instance), DATA)] if order.data else []
    mounts += [(ground.gates, GATES)] if order.gates else []
    labels = {LABELS["instance"]: order.instance, LABELS["version"]: restart_part(order.version)}
    if order.release:
        labels[LABELS["release"]] = order.release
    return {
        "Image": order.image,
        "User": f"{USER}:{USER}",
        "Entrypoint": [LAUNCHER],
        "Cmd": [],
        "Env": [f"{name}={value}" for name, value in sorted(order.environment.items())],
        "Labels": {**ground.labels, **labels},
        "StopSignal": f"SIG{order.stop_signal}",
        "StopTimeout": order.stop_timeout,
        "Healthcheck": {"Test": ["CMD", *order.healthcheck] if order.healthcheck else ["NONE"]},
        "ExposedPorts": {port: {}},
        "HostConfig": {
            "Init": True,
            "RestartPolicy": {"Name": "unless-stopped"},
            "LogConfig": LOG,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "Mounts": [
                {"Type": "volume", "Source": source, "Target": target, "VolumeOptions": {"Labels": ground.labels}}
                for source, target in mounts
            ],
            "Tmpfs": {RUNTIME: f"uid={USER},gid={USER},mode=0700"},
            "NetworkMode": ground.network,
            "PortBindings": {
                port: [{"HostIp": address, "HostPort": str(number)} for address, number in order.published]
            },
            **_limits(order.resources),
        },
        "NetworkingConfig": {
            "EndpointsConfig": {
                ground.network: {
                    "Aliases": [order.instance],
                    **({"IPAMConfig": {"IPv4Address": order.address}} if order.address else {}),
                }
            }
        },
    }


def _limits(resources: Mapping[str, float]) -> dict[str, int]:
    limits = {}
    if "cpu" in resources:
        limits["NanoCpus"] = round(resources["cpu"] * NANOSECONDS)
    if "memory" in resources:
        limits |= {"Memory": int(resources["memory"]), "MemorySwap": int(resources["memory"])}
    return limits
