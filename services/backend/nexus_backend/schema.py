# SPDX-License-Identifier: Apache-2.0
"""The tables, and how a database is brought up to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

# A release may only append: replicas of the previous one keep running against the new schema during a rolling update.
MIGRATIONS: Final = (
    """
    CREATE TABLE visits (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        key text NOT NULL UNIQUE,
        instance text NOT NULL,
        visited_at timestamptz NOT NULL DEFAULT now()
    );
    -- One row for each backend instance: counting reads a few rows, and replicas do not wait for each other's row lock.
    CREATE TABLE visit_totals (
        instance text PRIMARY KEY,
        total bigint NOT NULL
    );
    """,
)

_LOCK: Final = int.from_bytes(b"nexus-be", "big")


def migrate(conn: psycopg.Connection[Any]) -> None:
    """Apply the migrations this database lacks; safe when several replicas do so at the same moment.

    Cheap when there are none, so that it can run on each new connection: a database that was away at start,
    or was replaced by an empty one, gets its tables as soon as it answers.
    """
    if _version(conn) >= len(MIGRATIONS):
        return
    with conn.transaction():
        conn.execute("SET LOCAL statement_timeout = 0")
        conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        conn.execute("CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY)")
        applied = _version(conn)  # read again: another replica may have been first
        for version, statements in enumerate(MIGRATIONS[applied:], start=applied + 1):
            conn.execute(statements)
            conn.execute("INSERT INTO schema_version VALUES (%s)", (version,))


def _version(conn: psycopg.Connection[Any]) -> int:
    exists = conn.execute("SELECT to_regclass('schema_version') IS NOT NULL").fetchone()
    if exists is None or not exists[0]:
        return 0
    row = conn.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()
    return 0 if row is None else int(row[0])
