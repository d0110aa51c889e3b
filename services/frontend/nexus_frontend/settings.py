# SPDX-License-Identifier: Apache-2.0
"""Configuration from the environment, and from nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3
from urllib3.exceptions import LocationParseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class SettingsError(Exception):
    """The environment lacks a variable or holds one that cannot be used; the message lists every one."""


@dataclass(frozen=True)
class Identity:
    """Which copy of which release a process is."""

    instance: str
    release: str
    environment: str


@dataclass(frozen=True)
class Settings:
    """What the service was started with; `backend_url` is the base that `/api/visits` is appended to."""

    host: str
    port: int
    backend_url: str
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
        instance=environ.get("NEXUS_INSTANCE", "frontend"),
        release=environ.get("NEXUS_RELEASE", "unreleased"),
        environment=environ.get("NEXUS_ENVIRONMENT", "development"),
    )
    return Settings(
        host=environ.get("HOST", "127.0.0.1"),
        port=int(environ["PORT"]),
        backend_url=environ["BACKEND_URL"].rstrip("/"),
        identity=identity,
    )


def _check_port(value: str) -> str | None:
    usable = value.isascii() and value.isdigit() and 1 <= int(value) <= 65535
    return None if usable else "is not a TCP port: give a number from 1 to 65535."


def _check_backend_url(value: str) -> str | None:
    advice = "is not the address of a backend: give http://HOST:PORT."
    try:
        url = urllib3.util.parse_url(value)
    except LocationParseError:
        return advice
    return None if url.scheme in {"http", "https"} and url.host and not url.query else advice


_REQUIRED: Mapping[str, Callable[[str], str | None]] = {
    "PORT": _check_port,
    "BACKEND_URL": _check_backend_url,
}
