# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, whose metrics come from its statistics views (its documentation: "The Cumulative Statistics System")."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..postgresql_client import connect_postgresql
from .base import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 5432

# One row for each value: the metric's name, the name of its label, the label's value, the value.
QUERY = b"""
SELECT 'pg_stat_database_' || item.key, 'datname', datname, item.value::float8
  FROM pg_stat_database, jsonb_each_text(to_jsonb(pg_stat_database)) AS item
 WHERE datname = current_database()
   AND item.key IN ('numbackends', 'xact_commit', 'xact_rollback', 'blks_read', 'blks_hit', 'tup_returned',
                    'tup_fetched', 'tup_inserted', 'tup_updated', 'tup_deleted', 'conflicts', 'temp_bytes', 'deadlocks')
UNION ALL
SELECT 'pg_database_size_bytes', 'datname', current_database(), pg_database_size(current_database())::float8
UNION ALL
SELECT 'pg_stat_activity_count', 'state', state, count(*)::float8
  FROM pg_stat_activity WHERE state IS NOT NULL GROUP BY state
UNION ALL
SELECT 'pg_settings_max_connections', NULL, NULL, current_setting('max_connections')::float8
UNION ALL
SELECT 'pg_uptime_seconds', NULL, NULL, extract(epoch FROM now() - pg_postmaster_start_time())::float8
"""


@dataclass(frozen=True)
class PostgresqlService:
    """One database of a server, and the server's connections."""

    default_check: ClassVar[Mapping[str, str]] = {"kind": "postgresql"}

    options: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> PostgresqlService:
        """Make one from `host`, `port`, `database`, `user` and `password`."""
        return cls({**options, "port": options["port"] or PORT})

    @property
    def address(self) -> str:
        """Server and database, without the password."""
        options = self.options
        return f"postgresql://{options['host']}:{options['port']}/{options['database'] or ''}"

    def read_metrics(self, timeout: float) -> list[Sample]:
        """Read the statistics over a connection of its own."""
        with connect_postgresql(self.options, timeout) as connection:
            rows = connection.execute(QUERY).fetchall()
        return [Sample(name, {label: text} if label else {}, float(value)) for name, label, text, value in rows]
