# SPDX-License-Identifier: Apache-2.0
"""The reverse proxies by their kind, each with a pool whose gates are closed at first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.proxies import PROXIES, Proxy
from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import lay_gates, missing_gates
from tests.servers.caddy import start_caddy
from tests.servers.nginx import start_nginx

POOL = "backend"
GATES = "gates"


@dataclass(frozen=True)
class GatedProxy:
    """A running proxy of a kind; its pool `backend` answers below `/backend/`."""

    kind: str
    url: str
    admin: str

    @property
    def proxy(self) -> Proxy:
        """The adapter for it."""
        return PROXIES[self.kind](self.admin)


Start = Callable[..., AbstractContextManager[GatedProxy]]


@contextlib.contextmanager
def gated_caddy(directory: Path, *names: str) -> Iterator[GatedProxy]:
    """Run a Caddy whose pool has closed gates of these names; it looks for an open one for a second."""
    gates = _closed_gates(directory, names)
    pools = {POOL: [f"{{file.{gate}}}" for gate in gates]}
    with start_caddy(directory, pools, try_duration="1s") as server:
        yield GatedProxy("caddy", server.url, server.admin)


@contextlib.contextmanager
def gated_nginx(directory: Path, *names: str) -> Iterator[GatedProxy]:
    """Run an nginx whose pool has closed gates of these names."""
    _closed_gates(directory, names)
    with start_nginx(directory, directory / GATES, {POOL: names}) as server:
        yield GatedProxy("nginx", server.url, server.admin)


GATED: dict[str, Start] = {"caddy": gated_caddy, "nginx": gated_nginx}


@pytest.fixture(params=sorted(GATED))
def start_gated(request: pytest.FixtureRequest) -> Start:
    """Start a proxy of each kind: `start_gated(directory, *names)`."""
    return GATED[str(request.param)]


def _closed_gates(directory: Path, names: tuple[str, ...]) -> list[Path]:
    gates = missing_gates(directory / GATES, names)
    lay_gates(gates)
    return gates
