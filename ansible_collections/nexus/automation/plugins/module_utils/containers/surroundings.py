# SPDX-License-Identifier: Apache-2.0
"""What the containers of an environment stand on: its network, and the console in it.

The console is a container with nothing but a Python. What asks instances for their health runs in it, because only
there they are reached as they reach each other, wherever the engine is. It keeps the volume of the proxies' gates.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from .files import Entry
from .layout import GATES, USER

if TYPE_CHECKING:
    from .fleet import Fleet

BASE = "nexus.base"
CONSOLE_NUMBER = 2
"""The console's address, counted from that of the network; the engine itself has the first."""


def missing(fleet: Fleet, image: str, subnet: str) -> list[str]:
    """What is not there as it should be: `network`, `console`. Raises AdapterError for a network that is another."""
    network = _network(fleet)
    if network is not None and network != subnet:
        raise AdapterError(
            f"The network {fleet.ground.network} of the engine at {fleet.host} is {network}, and not {subnet}. "
            "Take the environment down before it gets another network."
        )
    console = _console(fleet)
    sound = console is not None and console["State"]["Running"] and console["Config"]["Labels"].get(BASE) == image
    return [*(["network"] if network is None else []), *([] if sound and network else ["console"])]


def lay(fleet: Fleet, image: str, subnet: str) -> None:
    """Make what is missing; `image` is the id of the console's."""
    for what in missing(fleet, image, subnet):
        if what == "network":
            _make_network(fleet, subnet)
        else:
            _make_console(fleet, image, subnet)


def clear(fleet: Fleet, with_data: bool) -> None:
    """Remove the console, the network and the gates; with the data also every other volume."""
    import docker

    client, ground = fleet.client, fleet.ground
    with fleet.explained("cannot clear the environment"):
        if _console(fleet) is not None:
            client.remove_container(ground.console, v=True, force=True)
        if _network(fleet) is not None:
            client.remove_network(ground.network)
        for volume in client.volumes(filters=ground.filters)["Volumes"] or ():
            if with_data or volume["Name"] == ground.gates:
                try:
                    client.remove_volume(volume["Name"])
                except docker.errors.NotFound:
                    continue


def is_laid(fleet: Fleet, with_data: bool) -> bool:
    """Whether `clear` would find something to remove."""
    with fleet.explained("cannot list its volumes"):
        volumes = fleet.client.volumes(filters=fleet.ground.filters)["Volumes"] or ()
    counted = [volume for volume in volumes if with_data or volume["Name"] == fleet.ground.gates]
    return bool(counted) or _console(fleet) is not None or _network(fleet) is not None


def console_runs(fleet: Fleet) -> bool:
    """Whether commands can be run in the console."""
    console = _console(fleet)
    return console is not None and bool(console["State"]["Running"])


def _network(fleet: Fleet) -> str | None:
    """The range of addresses of the network; None where there is none."""
    with fleet.explained("cannot list its networks"):
        found = fleet.client.networks(names=[fleet.ground.network])
    exact = [network for network in found if network["Name"] == fleet.ground.network]
    return str(exact[0]["IPAM"]["Config"][0]["Subnet"]) if exact else None


def _console(fleet: Fleet) -> dict[str, Any] | None:
    import docker

    with fleet.explained("cannot tell of the console"):
        try:
            told: dict[str, Any] = fleet.client.inspect_container(fleet.ground.console)
        except docker.errors.NotFound:
            return None
    return told


def _make_network(fleet: Fleet, subnet: str) -> None:
    gateway = str(ipaddress.ip_network(subnet)[1])
    advice = "Another network may have these addresses: set `network` of the environment's `docker`."
    with fleet.explained(f"cannot make the network {fleet.ground.network} with {subnet}", advice):
        fleet.client.create_network(
            fleet.ground.network,
            driver="bridge",
            ipam={"Driver": "default", "Config": [{"Subnet": subnet, "Gateway": gateway}]},
            labels=fleet.ground.labels,
        )


def _make_console(fleet: Fleet, image: str, subnet: str) -> None:
    client, ground = fleet.client, fleet.ground
    volume = {"Labels": ground.labels}
    configuration = {
        "Image": image,
        "User": f"{USER}:{USER}",
        "Entrypoint": ["sleep", "infinity"],
        "Cmd": [],
        "Labels": {**ground.labels, BASE: image},
        "HostConfig": {
            "Init": True,
            "RestartPolicy": {"Name": "unless-stopped"},
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "NetworkMode": ground.network,
            "Mounts": [{"Type": "volume", "Source": ground.gates, "Target": GATES, "VolumeOptions": volume}],
        },
        "NetworkingConfig": {
            "EndpointsConfig": {
                ground.network: {"IPAMConfig": {"IPv4Address": str(ipaddress.ip_network(subnet)[CONSOLE_NUMBER])}}
            }
        },
    }
    with fleet.explained("cannot make the console", "Its image must have sh, sleep and python3."):
        if _console(fleet) is not None:
            client.remove_container(ground.console, v=True, force=True)
        client.create_container_from_config(configuration, ground.console)
        fleet.put(ground.console, [Entry("nexus", mode=0o755), Entry("nexus/gates", mode=0o755, own=True)], "/")
        client.start(ground.console)
