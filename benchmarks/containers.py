# SPDX-License-Identifier: Apache-2.0
"""A rolling update of five containers of the example platform, under steady load through its proxy.

The peer is what `docker service update` does, by hand: one container after the other is stopped, made anew, waited for
and then watched for five seconds, the default of its option `--update-monitor`. That loop neither drains nor goes back
(https://docs.docker.com/reference/cli/docker/service/update/).
"""

from __future__ import annotations

import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import Row
from tests.contract.grounds.docker import PROJECT, DockerGround, docker_ground
from tests.contract.platform import Platform, make_platform
from tests.integration.roles.load import BUSY_PAUSE_S, steady_load
from tests.servers.waiting import wait_until

if TYPE_CHECKING:
    from docker import APIClient

REPLICAS = 5
REQUESTS = 5_000
PATHS = ("/api/version", "/api/version", "/api/visits", "/")
MONITOR_S = 5.0
HEALTHY_LIMIT_S = 60
ROOM = "/nexus"
LIMIT = 1.2


@dataclass(frozen=True)
class Update:
    """Seconds that an update took, and what became of the requests meanwhile."""

    wall: float
    failed: int
    requests: int


def rows(rounds: int) -> list[Row]:
    """Update all five, in turns with the loop; of ours the step `deploy` counts, since the loop has its image."""
    with tempfile.TemporaryDirectory() as name, docker_ground(Path(name) / "project") as ground:
        platform = make_platform(Path(name) / "project", ground)
        try:
            platform.scale(REPLICAS)
            platform.apply()
            taken = [(_ours(platform, number), _by_hand(ground)) for number in range(rounds)]
        finally:
            platform.run("down", "production", "--yes", "--reason", "the end of a measurement")
    ours, hand = median(one.wall for one, _ in taken), median(two for _, two in taken)
    failed, requests = sum(one.failed for one, _ in taken), sum(one.requests for one, _ in taken)
    ratio = ours / hand
    return [
        Row(
            f"rolling update of {REPLICAS} containers under load, wall of the step",
            f"{ours:.1f} s, {failed} failed of {requests:,}",
            f"loop like `docker service update`: {hand:.1f} s",
            f"{ratio:.2f}x",
            f"<= {LIMIT:g}x, 0 failed of >= {REQUESTS:,}",
            ratio <= LIMIT and failed == 0 and requests >= REQUESTS,
        )
    ]


def _ours(platform: Platform, number: int) -> Update:
    platform.append_to_source(f"\n# release {number}\n")
    with steady_load(platform.ground.url, PATHS, REQUESTS, pause_s=BUSY_PAUSE_S) as load:
        told = platform.apply()
    return Update(told["step_seconds"]["deploy"], len(load.failures), load.requests)


def _by_hand(ground: DockerGround) -> float:
    """Make each container anew of its own image; return the seconds that took, under the same load."""
    from docker import APIClient

    client = APIClient(ground.engine.host)
    with steady_load(ground.url, PATHS, REQUESTS, pause_s=BUSY_PAUSE_S):
        began = time.monotonic()
        for number in range(1, REPLICAS + 1):
            _make_anew(client, f"{PROJECT}-production-backend-{number}")
        return time.monotonic() - began


def _make_anew(client: APIClient, name: str) -> None:
    told = client.inspect_container(name)
    client.stop(name)
    stream, _ = client.get_archive(name, ROOM)
    files = b"".join(stream)
    client.remove_container(name)
    client.create_container_from_config(_configuration(told), name)
    client.put_archive(name, "/", files)
    client.start(name)
    wait_until(lambda: _answers(told), f"{name} is healthy", HEALTHY_LIMIT_S)
    time.sleep(MONITOR_S)


def _configuration(told: dict[str, Any]) -> dict[str, Any]:
    networks = {name: {"IPAMConfig": one["IPAMConfig"]} for name, one in told["NetworkSettings"]["Networks"].items()}
    return {**told["Config"], "HostConfig": told["HostConfig"], "NetworkingConfig": {"EndpointsConfig": networks}}


def _answers(told: dict[str, Any]) -> bool:
    (network,) = told["NetworkSettings"]["Networks"].values()
    (port,) = (word.partition("=")[2] for word in told["Config"]["Env"] if word.startswith("PORT="))
    try:
        with urllib.request.urlopen(f"http://{network['IPAddress']}:{port}/api/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
