# SPDX-License-Identifier: Apache-2.0
"""What only Caddy does: gates are read at each request, so no configuration is changed or loaded."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_collections.nexus.automation.plugins.module_utils.proxies.admin_api import AdminApi
from ansible_collections.nexus.automation.plugins.module_utils.proxies.caddy import CaddyProxy
from tests.servers.caddy import start_caddy
from tests.servers.embedded import caddy as caddy_program
from tests.servers.ports import free_port
from tests.servers.proxies import POOL, gated_caddy


def test_gates_open_and_close_without_a_change_of_the_configuration(tmp_path: Path) -> None:
    with gated_caddy(tmp_path, "backend-1", "backend-2") as caddy:
        api = AdminApi("Caddy", caddy.admin)
        before = api.get("/config/")
        caddy.proxy.admit(POOL, "backend-1", "127.0.0.1:1")
        caddy.proxy.withdraw(POOL, "backend-1")
        assert api.get("/config/") == before


def test_a_drained_upstream_stays_drained_when_the_configuration_is_loaded_anew(tmp_path: Path) -> None:
    with gated_caddy(tmp_path, "backend-1", "backend-2") as caddy:
        for number in (1, 2):
            caddy.proxy.admit(POOL, f"backend-{number}", f"127.0.0.1:{number}")
        caddy.proxy.withdraw(POOL, "backend-1")
        argv = [str(caddy_program()), "reload", "--force", "--config", str(tmp_path / "caddy.json")]
        subprocess.run([*argv, "--address", caddy.admin], check=True, capture_output=True, timeout=30)
        assert caddy.proxy.upstreams(POOL) == {"backend-1": "", "backend-2": "127.0.0.1:2"}


def test_plain_addresses_are_no_gates(tmp_path: Path) -> None:
    with start_caddy(tmp_path, {POOL: ["127.0.0.1:1"]}) as caddy:
        assert CaddyProxy(caddy.admin).upstreams(POOL) == {}


def test_the_admin_api_is_reached_by_tcp_as_well(tmp_path: Path) -> None:
    gate = tmp_path / "backend-1"
    with start_caddy(tmp_path, {POOL: [f"{{file.{gate}}}"]}, admin_port=free_port()) as caddy:
        assert CaddyProxy(caddy.admin).upstreams(POOL) == {"backend-1": ""}
