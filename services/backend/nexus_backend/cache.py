# SPDX-License-Identifier: Apache-2.0
"""Redis: a copy of the visit count that is never behind a finished request."""

from __future__ import annotations

from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# Seconds after which a copy is read anew. Only a Redis that was away while a visit was committed, and kept its data,
# can hold an old number; this bounds how long.
LIFETIME: Final = 5

# Each number comes from a snapshot taken after a commit, and a later snapshot never counts fewer. So the greater number
# is the newer one, and replicas that arrive in any order leave the newest.
_RAISE: Final = """
local held = tonumber(redis.call('GET', KEYS[1]) or -1)
if tonumber(ARGV[1]) > held then
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""


class Cache:
    """The cached count. Every method raises redis.RedisError when the server cannot be used."""

    def __init__(self, url: str, environment: str) -> None:
        """Prepare to connect on first use."""
        self._redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=1,
            socket_timeout=1,
            # One more try: a connection that was idle while the server restarted is found broken when it is used.
            retry=Retry(NoBackoff(), 1),
        )
        self._raise = self._redis.register_script(_RAISE)
        self._key = f"nexus:{environment}:visits"

    def close(self) -> None:
        """Close every connection."""
        self._redis.close()

    def count(self) -> int | None:
        """Return the cached count, or None when there is none."""
        held = self._redis.get(self._key)
        return None if held is None else int(held)

    def raise_to(self, count: int) -> None:
        """Store `count` unless a newer one is there."""
        self._raise(keys=[self._key], args=[count, LIFETIME])

    def ping(self) -> None:
        """Return when the server has answered."""
        self._redis.ping()
