# SPDX-License-Identifier: Apache-2.0
"""Connections to PostgreSQL through psycopg 3, when the target has it."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

from .errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg


@contextlib.contextmanager
def connect_postgresql(options: Mapping[str, Any], timeout: float) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Connect with `options` (host, port, database, user, password) for the block; statements end after `timeout` s.

    Raises AdapterError with the server's own words, also for what fails inside the block, or naming what to install.
    """
    # Imported here: only the targets that use it pay for it, in time and in what must be installed.
    try:
        import psycopg
    except ImportError as error:
        from ansible.module_utils.basic import missing_required_lib

        raise AdapterError(missing_required_lib("psycopg", url="https://www.psycopg.org/psycopg3/")) from error
    try:
        with psycopg.connect(
            host=options["host"],
            port=options["port"],
            dbname=options["database"],
            user=options["user"],
            password=options["password"],
            connect_timeout=max(1, math.ceil(timeout)),
            options=f"-c statement_timeout={max(1, int(timeout * 1000))}",
            application_name="nexus-automation",
            autocommit=True,
        ) as connection:
            yield connection
    except psycopg.Error as error:
        raise AdapterError(" ".join(str(error).split()) or type(error).__name__) from error
