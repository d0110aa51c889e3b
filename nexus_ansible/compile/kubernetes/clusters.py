# SPDX-License-Identifier: Apache-2.0
"""The cluster of an environment as data: how it is reached, and what services are there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.platform import Environment

IMAGES = {
    "web": "docker.io/library/python:3.11-slim",
    "postgresql": "docker.io/library/postgres:17",
    "redis": "docker.io/library/redis:7",
    "proxy": "docker.io/library/nginx:1.28",
}
"""Images by capability. What a web service is made of is put on top of its one."""

PYTHON = {"version": "3.11.0", "platform": "linux-x86_64", "glibc": "2.36"}
"""The least that the image of web services has."""

NEWEST = (1, 37)
"""The newest Kubernetes, major and minor, whose schemas the compiled manifests are checked against."""


@dataclass(frozen=True)
class Ingress:
    """The way into the cluster that its own controller makes, instead of a person."""

    host: str | None
    class_name: str | None
    tls_secret: str | None


@dataclass(frozen=True)
class Storage:
    """What claims of volumes ask for: `class_name`, None for the cluster's default class, and `size`, such as 1Gi."""

    class_name: str | None
    size: str


@dataclass(frozen=True)
class Cluster:
    """A cluster; `context` and `kubeconfig` None are what kubectl would take, in a pod the pod's own account.

    `addresses` is `services` (each has one that the cluster spreads) or `pods` (names lead to the pods themselves).
    `engine` None is what Docker's client would take; `python` is that of the image `web`: artefacts are for it.
    `nameservers` empty means the cluster's own. `version` is the oldest Kubernetes that manifests are written for,
    `drain` the seconds that a pod goes on after the cluster was told to send it nothing more.
    """

    context: str | None
    kubeconfig: str | None
    namespace: str
    version: tuple[int, int]
    addresses: str
    domain: str
    nameservers: tuple[str, ...]
    registry: str | None
    images: Mapping[str, str]
    engine: str | None
    python: Mapping[str, str]
    pull_policy: str
    pull_secret: str | None
    ingress: Ingress | None
    storage: Storage
    drain: int

    @property
    def name(self) -> str:
        """What messages and inventories call it."""
        return (self.context or "cluster").replace("/", "-").replace(":", "-").replace("@", "-")

    def image(self, service: str, project: str) -> str:
        """Name, without a tag, of the image made for a service: `registry.example.com/shop/backend`."""
        return "/".join(part for part in (self.registry, project, service) if part)


def cluster_of(environment: Environment) -> Cluster:
    """The cluster of an environment, with every default filled in."""
    data = environment.settings
    major, _, minor = str(data.get("version", ".".join(map(str, NEWEST)))).partition(".")
    images: Mapping[str, Any] = data.get("images", {})
    storage: Mapping[str, Any] = data.get("storage", {})
    dns: Mapping[str, Any] = data.get("dns", {})
    return Cluster(
        context=data.get("context"),
        kubeconfig=data.get("kubeconfig"),
        namespace=data.get("namespace", f"{environment.project}-{environment.name}".replace("_", "-")),
        version=(int(major), int(minor)),
        addresses=data.get("addresses", "services"),
        domain=dns.get("domain", "cluster.local"),
        nameservers=tuple(dns.get("servers", ())),
        registry=images.get("registry"),
        images={capability: images.get(capability, image) for capability, image in IMAGES.items()},
        engine=images.get("engine"),
        python={**PYTHON, **images.get("python", {})},
        pull_policy=images.get("pull", "IfNotPresent"),
        pull_secret=images.get("pull_secret"),
        ingress=_ingress(data["ingress"]) if "ingress" in data else None,
        storage=Storage(storage.get("class"), re.sub("K$", "k", storage.get("size", "1Gi"))),
        drain=int(data.get("drain", 5)),
    )


def _ingress(data: Mapping[str, Any]) -> Ingress:
    return Ingress(data.get("host"), data.get("class"), data.get("tls_secret"))
