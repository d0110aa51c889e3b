# SPDX-License-Identifier: Apache-2.0
"""Probes: the registry's health check, made by the node a pod is on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.ports import NAME

if TYPE_CHECKING:
    from nexus_ansible.model.platform import HealthCheck, Service

FAST_S = 2
"""Seconds between two looks at a container that is starting."""

_POSTGRESQL = 'pg_isready --quiet --host=127.0.0.1 --port="$NEXUS_PORT"'
_REDIS = 'REDISCLI_AUTH="$PASSWORD" redis-cli -h 127.0.0.1 -p "$NEXUS_PORT" --no-auth-warning ping | grep -q PONG'


def probes(service: Service) -> dict[str, Any]:
    """The three probes of a container.

    Until the start probe succeeds the others wait, so a slow start is no failure. Only the readiness probe is the
    registry's check; the liveness probe restarts what does not even accept a connection, because a service whose
    database is away is not mended by restarting it.
    """
    check = service.health
    way = _way(check)
    timeout = max(1, math.ceil(check.timeout))
    interval = max(1, math.ceil(check.interval))
    return {
        "startupProbe": {
            **way,
            "periodSeconds": FAST_S,
            "timeoutSeconds": timeout,
            "failureThreshold": max(1, math.ceil(check.start_period / FAST_S)),
        },
        "readinessProbe": {
            **way,
            "periodSeconds": min(interval, 10),
            "timeoutSeconds": timeout,
            "failureThreshold": check.retries,
        },
        "livenessProbe": {
            "tcpSocket": {"port": NAME},
            "periodSeconds": interval,
            "timeoutSeconds": timeout,
            "failureThreshold": check.retries,
        },
    }


def _way(check: HealthCheck) -> dict[str, Any]:
    if check.kind == "http":
        return {"httpGet": {"path": check.path, "port": NAME, "scheme": "HTTP"}}
    if check.kind == "tcp":
        return {"tcpSocket": {"port": NAME}}
    if check.kind == "redis":
        return _shell(_REDIS)
    if check.kind == "postgresql" or check.command[:1] == ("pg_isready",):
        return _shell(_POSTGRESQL)
    return {"exec": {"command": list(check.command)}}


def _shell(line: str) -> dict[str, Any]:
    return {"exec": {"command": ["sh", "-c", line]}}
