# SPDX-License-Identifier: Apache-2.0
"""Reverse proxies: one adapter per file, one entry here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Proxy, wait_until_drained
from .caddy import CaddyProxy
from .nginx import NginxProxy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PROXIES", "Proxy", "wait_until_drained"]

PROXIES: dict[str, Callable[[str], Proxy]] = {
    "caddy": CaddyProxy,
    "nginx": NginxProxy,
}
