# SPDX-License-Identifier: Apache-2.0
"""The engine that the machines of these tests run in."""

from __future__ import annotations

from tests.servers.docker import docker_engine

__all__ = ["docker_engine"]
