# SPDX-License-Identifier: Apache-2.0
"""Services: one adapter per file, one entry here."""

from __future__ import annotations

from .base import Sample, Service
from .postgresql import PostgresqlService
from .proxy import ProxyService
from .redis import RedisService
from .web import WebService

__all__ = ["SERVICES", "Sample", "Service"]

SERVICES: dict[str, type[Service]] = {
    "web": WebService,
    "proxy": ProxyService,
    "postgresql": PostgresqlService,
    "redis": RedisService,
}
