# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL: a pool that outlives restarts of the server, and the three statements of the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from nexus_backend.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Connection = psycopg.Connection[Any]

# Seconds a request waits for a connection before it is told that the database is away.
WAIT: Final = 2.0

_RECORD: Final = """
    WITH visit AS (
        INSERT INTO visits (key, instance) VALUES (%(key)s, %(instance)s)
        ON CONFLICT (key) DO NOTHING RETURNING instance
    )
    INSERT INTO visit_totals (instance, total) SELECT instance, 1 FROM visit
    ON CONFLICT (instance) DO UPDATE SET total = visit_totals.total + 1
    RETURNING total
"""
_COUNT: Final = "SELECT coalesce(sum(total), 0)::bigint FROM visit_totals"


class Database:
    """Visits in PostgreSQL. Every method raises psycopg.OperationalError when the server cannot be used."""

    def __init__(self, url: str, instance: str, size: int) -> None:
        """Begin to connect, in the background; `size` is the number of threads that may ask at once."""
        self._url = url
        self._instance = instance
        self._pool = ConnectionPool(
            url,
            kwargs={
                "autocommit": True,
                "application_name": instance,
                "connect_timeout": 2,
                "options": "-c statement_timeout=5s",
                "tcp_user_timeout": 5000,
            },
            min_size=1,
            max_size=size,
            timeout=WAIT,
            # Give up soon: the next request tries afresh, where a long backoff would outlast the outage.
            reconnect_timeout=WAIT,
            num_workers=1,
            configure=migrate,
            name="database",
            open=True,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def record(self, key: str) -> bool:
        """Store one visit; False when `key` was stored before, so that a repeated request counts once."""
        values = {"key": key, "instance": self._instance}
        return self._run(lambda conn: conn.execute(_RECORD, values).fetchone()) is not None

    def count(self) -> int:
        """Return the number of committed visits of all instances."""
        row = self._run(lambda conn: conn.execute(_COUNT).fetchone())
        assert row is not None
        return int(row[0])

    def ping(self) -> None:
        """Return when a statement has been answered; raise with the server's own cause otherwise."""
        try:
            self._run(lambda conn: conn.execute("SELECT 1"), wait=0.5)
        except PoolTimeout:
            # The pool knows that there is no connection, not why: ask once more, directly.
            psycopg.connect(self._url, connect_timeout=2).close()
            raise

    def _run(self, work: Callable[[Connection], T], wait: float = WAIT) -> T:
        """Run `work`; once more if the server closed the connection (all work here is safe to repeat)."""
        with self._pool.connection(wait) as conn:
            try:
                return work(conn)
            except psycopg.OperationalError:
                if not conn.closed:
                    raise
        self._pool.check()  # the other idle connections died with this one
        with self._pool.connection(wait) as conn:
            return work(conn)
