# SPDX-License-Identifier: Apache-2.0
"""Logs in to PostgreSQL and runs a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from ..postgresql_client import connect_postgresql
from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT = 5432


@dataclass(frozen=True)
class PostgresqlCheck:
    """One query over a connection of its own; its result does not matter."""

    options: Mapping[str, Any]
    query: str

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> PostgresqlCheck:
        """Make one from `host`, `port`, `database`, `user`, `password` and `query`."""
        return cls({**options, "port": options["port"] or PORT}, options["query"])

    @property
    def address(self) -> str:
        """Server and database, without the password."""
        options = self.options
        return f"postgresql://{options['host']}:{options['port']}/{options['database'] or ''}"

    def probe(self, timeout: float) -> Answer:
        """Run the query once."""
        try:
            with connect_postgresql(self.options, timeout) as connection:
                connection.execute(self.query.encode())
        except AdapterError as error:
            return Answer(False, str(error))
        return Answer(True, "answers queries")
