# SPDX-License-Identifier: Apache-2.0
"""Configuration from the environment, and from nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg
import redis
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class SettingsError(Exception):
    """The environment lacks a variable or holds one that cannot be used; the message lists every one."""


@dataclass(frozen=True)
class Identity:
    """Which copy of which release this process is."""

    instance: str
    release: str
    environment: str


@dataclass(frozen=True)
class Settings:
    """What the service was started with. The URLs hold passwords, so `repr` leaves them out."""

    host: str
    port: int
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    identity: Identity


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Check every variable and return the settings.

    Raises SettingsError that names each unusable variable, one a line, and never shows a value.
    """
    problems = [
        f"{name} {problem}"
        for name, check in _REQUIRED.items()
        if (problem := check(environ[name]) if environ.get(name) else "is not set.")
    ]
    if problems:
        raise SettingsError("\n".join(problems))
    identity = Identity(
        instance=environ.get("NEXUS_INSTANCE", "backend"),
        release=environ.get("NEXUS_RELEASE", "unreleased"),
        environment=environ.get("NEXUS_ENVIRONMENT", "development"),
    )
    return Settings(
        host=environ.get("HOST", "127.0.0.1"),
        port=int(environ["PORT"]),
        database_url=environ["DATABASE_URL"],
        redis_url=environ["REDIS_URL"],
        identity=identity,
    )


def _check_port(value: str) -> str | None:
    usable = value.isascii() and value.isdigit() and 1 <= int(value) <= 65535
    return None if usable else "is not a TCP port: give a number from 1 to 65535."


def _check_database_url(value: str) -> str | None:
    advice = "is not a PostgreSQL URL: give postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
    try:
        conninfo_to_dict(value)
    except psycopg.ProgrammingError:
        return advice
    return None if value.startswith(("postgresql://", "postgres://")) else advice


def _check_redis_url(value: str) -> str | None:
    try:
        redis.Redis.from_url(value).close()
    except ValueError:
        return "is not a Redis URL: give redis://:PASSWORD@HOST:PORT/NUMBER."
    return None


_REQUIRED: Mapping[str, Callable[[str], str | None]] = {
    "PORT": _check_port,
    "DATABASE_URL": _check_database_url,
    "REDIS_URL": _check_redis_url,
}
