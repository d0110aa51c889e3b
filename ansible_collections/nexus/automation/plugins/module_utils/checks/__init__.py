# SPDX-License-Identifier: Apache-2.0
"""Health checks: one adapter per file, one entry here."""

from __future__ import annotations

from .base import Answer, Check
from .cloudwatch import CloudwatchAlarmCheck
from .command import CommandCheck
from .http import HttpCheck
from .postgresql import PostgresqlCheck
from .postgresql_ready import PostgresqlReadyCheck
from .redis import RedisCheck
from .tcp import TcpCheck

__all__ = ["CHECKS", "Answer", "Check"]

CHECKS: dict[str, type[Check]] = {
    "cloudwatch_alarm": CloudwatchAlarmCheck,
    "command": CommandCheck,
    "http": HttpCheck,
    "postgresql": PostgresqlCheck,
    "postgresql_ready": PostgresqlReadyCheck,
    "redis": RedisCheck,
    "tcp": TcpCheck,
}
