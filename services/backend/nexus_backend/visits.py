# SPDX-License-Identifier: Apache-2.0
"""Recording and counting visits: PostgreSQL is the truth, Redis a copy."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import redis

if TYPE_CHECKING:
    from nexus_backend.cache import Cache
    from nexus_backend.database import Database

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Count:
    """How many visits there are, where that was read, and whether the cache took part."""

    count: int
    source: Literal["cache", "database"]
    cache: Literal["ok", "unavailable"]


def record_visit(database: Database, cache: Cache, key: str) -> tuple[Count, bool]:
    """Commit one visit and return the count with it, and whether it was new.

    Raises psycopg.OperationalError when PostgreSQL is away. Without Redis the visit is recorded all the same.
    """
    new = database.record(key)
    return _count_anew(database, cache), new


def count_visits(database: Database, cache: Cache) -> Count:
    """Return the count, from Redis when it holds one.

    Raises psycopg.OperationalError when it is needed and away.
    """
    try:
        held = cache.count()
    except redis.RedisError as error:
        logger.warning("Redis is away, counting in PostgreSQL: %s", error)
        return Count(database.count(), "database", "unavailable")
    return _count_anew(database, cache) if held is None else Count(held, "cache", "ok")


def _count_anew(database: Database, cache: Cache) -> Count:
    count = database.count()
    try:
        cache.raise_to(count)
    except redis.RedisError as error:
        logger.warning("Redis is away, the count was not cached: %s", error)
        return Count(count, "database", "unavailable")
    return Count(count, "database", "ok")
