# SPDX-License-Identifier: Apache-2.0
"""Sends PING to Redis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from ..redis_client import connect_redis
from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 6379


@dataclass(frozen=True)
class RedisCheck:
    """One PING, after logging in when a password is given."""

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> RedisCheck:
        """Make one from `host`, `port`, `user` and `password`."""
        return cls(options["host"], options["port"] or PORT, options["user"], options["password"])

    @property
    def address(self) -> str:
        """Host and port."""
        return f"redis://{self.host}:{self.port}"

    def probe(self, timeout: float) -> Answer:
        """Ping once."""
        try:
            with connect_redis(self.host, self.port, timeout, self.password, self.user) as connection:
                reply = connection.call("PING")
        except AdapterError as error:
            return Answer(False, str(error))
        return Answer(reply == "PONG", f"answered {reply}")
