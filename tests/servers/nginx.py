# SPDX-License-Identifier: Apache-2.0
"""An nginx reverse proxy of the distribution, with its layout on a Unix socket."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.proxies.nginx_servers import (
    outdated_servers,
    write_servers,
)
from tests.servers.debian import install
from tests.servers.ports import free_port
from tests.servers.process import accepts, running
from tests.servers.short_paths import short_directory

PACKAGE = "nginx"
SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"  # not in everybody's PATH
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
CONFIGURATION = """
daemon off;
{user}
worker_processes 2;
pid {directory}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 512; }}
http {{
    access_log off;
    {temporary}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    {pools}
    server {{
        listen unix:{socket};
        location = /layout {{ alias {directory}/layout.json; }}
    }}
    server {{
        listen 127.0.0.1:{port};
        {routes}
    }}
}}
"""


@dataclass(frozen=True)
class NginxServer:
    """Where a running proxy is reached and administered."""

    port: int
    admin: str
    pid: int

    @property
    def url(self) -> str:
        """The proxy's own address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"


def nginx_program() -> str:
    """Return the program; install it when root runs the tests on Debian, skip the test where that is not possible."""
    program = _find()
    if program is None and install(PACKAGE):
        # Nor is it to be there after the next boot.
        subprocess.run(["update-rc.d", PACKAGE, "disable"], check=True, capture_output=True, timeout=60)
        program = _find()
    if program is None:
        pytest.skip(f"needs nginx; as root: apt-get install {PACKAGE}")
    return program


@contextlib.contextmanager
def start_nginx(directory: Path, gates: Path, pools: Mapping[str, Sequence[str]]) -> Iterator[NginxServer]:
    """Run a proxy with all gates closed; pool `name`, with room for these upstreams, answers below `/name/`."""
    program, port, servers = nginx_program(), free_port(), directory / "servers"
    servers.mkdir()
    for path, text in outdated_servers(servers, {pool: {} for pool in pools}).items():
        write_servers(path, text)
    configuration = directory / "nginx.conf"
    layout = {
        "program": program,
        "configuration": str(configuration),
        "pid_file": str(directory / "nginx.pid"),
        "gates": str(gates),
        "servers": str(servers),
        "pools": {pool: list(names) for pool, names in pools.items()},
    }
    (directory / "layout.json").write_text(json.dumps(layout), encoding="utf-8")
    with short_directory() as sockets:
        socket = sockets / "nginx.sock"
        configuration.write_text(_configuration(directory, servers, port, socket, pools), encoding="utf-8")
        argv = [program, "-e", "stderr", "-c", str(configuration)]
        with running(argv, lambda: accepts(port), directory / "nginx.log", {"PATH": os.environ["PATH"]}) as process:
            yield NginxServer(port, f"unix/{socket}", process.pid)


def _find() -> str | None:
    return shutil.which(PACKAGE, path=f"{os.environ['PATH']}:{SYSTEM_FOLDERS}")


def _configuration(directory: Path, servers: Path, port: int, socket: Path, pools: Mapping[str, Sequence[str]]) -> str:
    return CONFIGURATION.format(
        user="user root;" if os.geteuid() == 0 else "",
        directory=directory,
        temporary="\n    ".join(f"{name}_temp_path {directory}/{name};" for name in TEMPORARY),
        pools="\n    ".join(_pool(name, servers) for name in pools),
        socket=socket,
        port=port,
        routes="\n        ".join(f"location /{name}/ {{ proxy_pass http://{name}/; }}" for name in pools),
    )


def _pool(name: str, servers: Path) -> str:
    return f"upstream {name} {{ zone {name} 64k; include {servers / name}.conf; keepalive 8; }}"
