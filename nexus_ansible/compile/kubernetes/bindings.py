# SPDX-License-Identifier: Apache-2.0
"""What a web service is told of itself and of its dependencies: environment variables of its container."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.kubernetes.objects import RELEASE
from nexus_ansible.compile.kubernetes.ports import pod_port, reached_port
from nexus_ansible.registries.references import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nexus_ansible.model.platform import Environment, Service

ANYWHERE = "0.0.0.0"  # noqa: S104 - in a pod it is the pod's own address

NO_FIELDS: Mapping[str, str] = MappingProxyType({})


def secret_name(service: Service) -> str:
    """The Secret of a service. An apply adds a digest of what is in it."""
    return f"{service.name}-secrets"


def plain_variables(environment: Environment, service: Service) -> dict[str, str]:
    """Variables that may be read by whoever sees the manifests."""
    told = {
        "HOST": ANYWHERE,
        "PORT": str(pod_port(environment, service.name)),
        "NEXUS_ENVIRONMENT": environment.name,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for need in _needs(environment, service):
        prefix, entry = _prefix(need), _entry(environment, need)
        port = reached_port(environment, entry)
        told |= {f"{prefix}_HOST": entry, f"{prefix}_PORT": str(port)}
        if need.capability == "postgresql":
            told |= {f"{prefix}_USER": need.settings["user"], f"{prefix}_NAME": need.settings["database"]}
        elif need.capability != "redis":
            told[f"{prefix}_URL"] = f"http://{entry}:{port}"
    return told | {name: text for name, text in service.environment.items() if not REFERENCE.search(text)}


def secret_variables(environment: Environment, service: Service) -> tuple[str, ...]:
    """Names of the variables whose values are in the service's Secret, sorted."""
    names = {name for name, text in service.environment.items() if REFERENCE.search(text)}
    for need in _needs(environment, service):
        if need.capability == "postgresql":
            names |= {f"{_prefix(need)}_PASSWORD", f"{_prefix(need)}_URL"}
        elif need.capability == "redis":
            names.add(f"{_prefix(need)}_URL")
    return tuple(sorted(names))


def pod_variables() -> dict[str, str]:
    """Variables that only the pod knows, each with the field of the pod that it is.

    The release is an apply's: without one it is empty, as where a service has no source.
    """
    return {"NEXUS_RELEASE": f"metadata.annotations['{RELEASE}']"}


def variables(
    plain: Mapping[str, str], secret: str, names: Iterable[str], fields: Mapping[str, str] = NO_FIELDS
) -> list[dict[str, Any]]:
    """The `env` of a container, sorted by name: plain values, those of a Secret, and fields of the pod.

    A field gives way to a value of the same name.
    """
    taken = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": name, "optional": False}}}
        for name in names
    ]
    given: list[dict[str, Any]] = [{"name": name, "value": text.replace("$", "$$")} for name, text in plain.items()]
    told = {variable["name"] for variable in (*given, *taken)}
    own = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in fields.items()
        if name not in told
    ]
    return sorted([*given, *taken, *own], key=lambda variable: str(variable["name"]))


def _needs(environment: Environment, service: Service) -> list[Service]:
    return [environment.services[need] for need in service.dependencies if need in environment.services]


def _entry(environment: Environment, need: Service) -> str:
    """What to connect to for a dependency: web services are behind the proxy, where there is one."""
    return environment.proxies[0] if need.capability == "web" and environment.proxies else need.name


def _prefix(need: Service) -> str:
    return need.name.upper().replace("-", "_")
