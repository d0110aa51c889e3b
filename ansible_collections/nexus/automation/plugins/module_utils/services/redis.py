# SPDX-License-Identifier: Apache-2.0
"""Redis, whose metrics come from its command INFO."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..redis_client import connect_redis
from .base import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PORT = 6379


@dataclass(frozen=True)
class RedisService:
    """One server."""

    default_check: ClassVar[Mapping[str, str]] = {"kind": "redis"}

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> RedisService:
        """Make one from `host`, `port`, `user` and `password`."""
        return cls(options["host"], options["port"] or PORT, options["user"], options["password"])

    @property
    def address(self) -> str:
        """Host and port."""
        return f"redis://{self.host}:{self.port}"

    def read_metrics(self, timeout: float) -> list[Sample]:
        """Ask for INFO: numbers become `redis_<key>`, the lists of databases and commands get a label."""
        with connect_redis(self.host, self.port, timeout, self.password, self.user) as connection:
            return parse_info(str(connection.call("INFO")))


def parse_info(text: str) -> list[Sample]:
    """Return the numbers in the text that INFO answers."""
    return [sample for line in text.splitlines() if ":" in line for sample in _samples(*line.split(":", 1))]


def _samples(key: str, value: str) -> Iterator[Sample]:
    if "=" not in value:
        number = _number(value)
        if number is not None:
            yield Sample(f"redis_{key}", {}, number)
        return
    if not key.startswith("db"):
        return
    for part in value.split(","):
        name, _, text = part.partition("=")
        number = _number(text)
        if number is not None:
            yield Sample(f"redis_db_{name}", {"db": key}, number)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
