# SPDX-License-Identifier: Apache-2.0
"""The servers these tests use."""

from __future__ import annotations

from tests.servers.caddy import caddy
from tests.servers.http import http_server
from tests.servers.postgresql import postgresql
from tests.servers.proxies import start_gated
from tests.servers.redis import redis
from tests.servers.short_paths import runtime_dir
from tests.servers.supervisord import supervisord
from tests.servers.tls import certificate_authority

__all__ = [
    "caddy",
    "certificate_authority",
    "http_server",
    "postgresql",
    "redis",
    "runtime_dir",
    "start_gated",
    "supervisord",
]
