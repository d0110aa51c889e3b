# SPDX-License-Identifier: Apache-2.0
"""Containers of each capability: image, command, files, volumes and the account they run under."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.bindings import (
    plain_variables,
    pod_variables,
    secret_name,
    secret_variables,
    variables,
)
from nexus_ansible.compile.kubernetes.clusters import cluster_of
from nexus_ansible.compile.kubernetes.nginx import START, nginx_configuration
from nexus_ansible.compile.kubernetes.ports import pod_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexus_ansible.model.platform import Environment, Service

NOBODY = 65534
DATA = "/data"
SOURCE = "/srv/release"
PASSWORD = "PASSWORD"  # noqa: S105 - the name of a variable

_POSTGRESQL = """set -eu
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin)
export PGDATA=/data/cluster
alone() { postgres --single -D "$1" -c log_min_messages=fatal "$2" >/dev/null; }
if [ ! -e "$PGDATA" ]; then
  rm -rf "$PGDATA.new"
  initdb --pgdata="$PGDATA.new" --username=postgres --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 \\
    --no-instructions
  printf 'host all postgres all reject\\nhost all all all scram-sha-256\\nlocal all all trust\\n' \\
    >"$PGDATA.new/pg_hba.conf"
  printf '%s\\n' "CREATE ROLE \\"$OWNER\\" LOGIN" "CREATE DATABASE \\"$DATABASE\\" OWNER \\"$OWNER\\"" |
    alone "$PGDATA.new" postgres
  mv "$PGDATA.new" "$PGDATA"
fi
rm -f "$PGDATA/postmaster.pid"
quoted=$(printf %s "$PASSWORD" | sed "s/'/''/g")
printf '%s\\n' "ALTER ROLE \\"$OWNER\\" PASSWORD '$quoted'" | alone "$PGDATA" postgres
unset PASSWORD quoted
exec postgres -c listen_addresses='*' -c port="$NEXUS_PORT" -c unix_socket_directories=/run/nexus "$@"
"""
"""PostgreSQL from an empty volume on. What was cut off is done anew; a changed password is taken over at each start."""

_REDIS = """set -eu
digest=$(printf %s "$PASSWORD" | sha256sum | cut -c-64)
exec redis-server /etc/nexus/redis.conf - <<END
user default on #$digest ~* &* +@all
END
"""
"""Redis with the digest of its password: whoever reads its configuration cannot log in with that."""


@dataclass(frozen=True)
class Content:
    """What differs between capabilities; `files` are those of the ConfigMap at `/etc/nexus`."""

    image: str
    command: tuple[str, ...]
    user: int
    variables: list[dict[str, Any]]
    files: dict[str, str] = field(default_factory=dict)
    keeps_data: bool = False
    directory: str | None = None
    stop_signal: str = "TERM"


def content(environment: Environment, service: Service) -> Content:
    """The content of a service's container."""
    return _CONTENTS[service.capability](environment, service)


def _web(environment: Environment, service: Service) -> Content:
    cluster = cluster_of(environment)
    made = service.source is not None
    plain = plain_variables(environment, service) | ({"PYTHONPATH": SOURCE} if made else {})
    return Content(
        image=cluster.image(service.name, environment.project) if made else cluster.images["web"],
        command=service.command,
        user=NOBODY,
        variables=variables(plain, secret_name(service), secret_variables(environment, service), pod_variables()),
        directory=SOURCE if made else None,
    )


def _postgresql(environment: Environment, service: Service) -> Content:
    parameters = [
        word for name, value in sorted(_parameters(service).items()) for word in ("-c", f"{name}={_switch(value)}")
    ]
    plain = {
        "DATABASE": str(service.settings["database"]),
        "NEXUS_PORT": str(pod_port(environment, service.name)),
        "OWNER": str(service.settings["user"]),
    }
    return Content(
        image=cluster_of(environment).images["postgresql"],
        command=("sh", "-c", _POSTGRESQL, "postgresql", *parameters),
        user=999,
        variables=variables(plain, secret_name(service), (PASSWORD,)),
        keeps_data=True,
        stop_signal="INT",
    )


def _redis(environment: Environment, service: Service) -> Content:
    port = pod_port(environment, service.name)
    lines = ["bind 0.0.0.0", f"port {port}", f"dir {DATA}", "appendonly yes", "appendfsync everysec", "daemonize no"]
    lines += [f"{name} {_switch(value)}" for name, value in sorted(_parameters(service).items())]
    return Content(
        image=cluster_of(environment).images["redis"],
        command=("sh", "-c", _REDIS),
        user=999,
        variables=variables({"NEXUS_PORT": str(port)}, secret_name(service), (PASSWORD,)),
        files={"redis.conf": "\n".join([*lines, ""])},
        keeps_data=True,
    )


def _proxy(environment: Environment, service: Service) -> Content:
    return Content(
        image=cluster_of(environment).images["proxy"],
        command=("sh", "-c", START),
        user=101,
        variables=[],
        files={"nginx.conf": nginx_configuration(environment, service)},
        stop_signal="QUIT",
    )


def _parameters(service: Service) -> dict[str, Any]:
    return dict(service.settings.get("parameters", {}))


def _switch(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


_CONTENTS: dict[str, Callable[[Environment, Service], Content]] = {
    "web": _web,
    "postgresql": _postgresql,
    "redis": _redis,
    "proxy": _proxy,
}
