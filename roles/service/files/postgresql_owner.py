# SPDX-License-Identifier: Apache-2.0
"""Give a PostgreSQL server the service's database and the role that owns it, and have it read its configuration again.

Reads one JSON object from the standard input: `host` (directory of the server's socket), `address`, `port`, `database`,
`user`, `password`, `reload` (read the configuration again), `check` (change nothing), `limit_s` (how long to wait for
the server). Prints one: `changed`, `pending_restart`, or `error`. The password is in neither.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
POLL_S = 0.1
RELOAD_LIMIT_S = 10.0


class OwnerError(Exception):
    """What the server does not accept."""


def main() -> None:
    """Answer the one request of the standard input."""
    request = json.load(sys.stdin)
    try:
        print(json.dumps(_answer(request)))  # noqa: T201 - the answer to the task that runs this
    except (psycopg.Error, OwnerError) as error:
        print(json.dumps({"changed": False, "error": str(error).strip()}))  # noqa: T201


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    with _connect(request) as connection:
        wanted = [statement for statement in _statements(connection, request) if statement is not None]
        for statement in [] if request["check"] else wanted:
            connection.execute(statement)
    pending = _reload(request) if request["reload"] and not request["check"] else False
    return {"changed": bool(wanted), "pending_restart": pending}


def _connect(request: dict[str, Any]) -> psycopg.Connection[tuple[Any, ...]]:
    end = time.monotonic() + request["limit_s"]
    while True:
        try:
            return psycopg.connect(
                host=request["host"], port=request["port"], user=SUPERUSER, dbname="postgres", autocommit=True
            )
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(POLL_S)


def _statements(connection: psycopg.Connection[tuple[Any, ...]], request: dict[str, Any]) -> list[sql.Composed | None]:
    user, database = sql.Identifier(request["user"]), sql.Identifier(request["database"])
    has_role = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [request["user"]]).fetchone()
    owner = connection.execute(
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [request["database"]]
    ).fetchone()
    right_owner = owner is not None and owner[0] == request["user"]
    change = "CREATE DATABASE {} OWNER {}" if owner is None else "ALTER DATABASE {} OWNER TO {}"
    return [
        None if has_role else sql.SQL("CREATE ROLE {} LOGIN").format(user),
        None if has_role and _can_log_in(request) else _set_password(connection, request),
        None if right_owner else sql.SQL(change).format(database, user),
    ]


def _can_log_in(request: dict[str, Any]) -> bool:
    try:
        psycopg.connect(
            host=request["address"],
            port=request["port"],
            user=request["user"],
            password=request["password"],
            dbname="template1",
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _set_password(connection: psycopg.Connection[tuple[Any, ...]], request: dict[str, Any]) -> sql.Composed:
    # Only the verifier goes to the server, so that none of its logs can hold the password.
    verifier = connection.pgconn.encrypt_password(
        request["password"].encode(), request["user"].encode(), b"scram-sha-256"
    )
    return sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(request["user"]), sql.Literal(verifier.decode()))


def _reload(request: dict[str, Any]) -> bool:
    """Have the configuration read again; say whether a parameter waits for a restart."""
    with _connect(request) as connection:
        before = _loaded_at(connection)
        connection.execute("SELECT pg_reload_conf()")
    end = time.monotonic() + RELOAD_LIMIT_S
    while time.monotonic() < end:
        with _connect(request) as connection:  # a new session has the state of the server's main process
            if _loaded_at(connection) != before:
                return _waits_for_restart(connection)
        time.sleep(POLL_S)
    raise OwnerError(f"PostgreSQL did not read its configuration again within {RELOAD_LIMIT_S:g} s: look at its log.")


def _loaded_at(connection: psycopg.Connection[tuple[Any, ...]]) -> object:
    row = connection.execute("SELECT pg_conf_load_time()").fetchone()
    assert row is not None
    return row[0]


def _waits_for_restart(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    pending = {name for (name,) in connection.execute("SELECT name FROM pg_settings WHERE pending_restart")}
    errors = connection.execute("SELECT name, setting, error FROM pg_file_settings WHERE error IS NOT NULL")
    refused = [f"{name} = {setting}: {error}" for name, setting, error in errors if name not in pending]
    if refused:
        raise OwnerError(f"PostgreSQL does not accept its configuration: {'; '.join(refused)}. Correct the parameters.")
    return bool(pending)


if __name__ == "__main__":
    main()
