# SPDX-License-Identifier: Apache-2.0
"""Ports of services: the one that others know, and the one that its pods listen on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_ansible.compile.kubernetes.clusters import cluster_of

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment

NAME = "main"
FIRST_UNPRIVILEGED = 1024
SHIFT = 8000


def service_port(environment: Environment, service: str) -> int:
    """The port that others know. All pods of a service have the same: each has an address of its own."""
    return environment.ports[service]


def pod_port(environment: Environment, service: str) -> int:
    """The port that pods listen on. No pod is root, so below 1024 it is another: 80 is 8080 there."""
    port = service_port(environment, service)
    return port if port >= FIRST_UNPRIVILEGED else port + SHIFT


def reached_port(environment: Environment, service: str) -> int:
    """The port to connect to at the service's name, which without an address of its own is that of its pods."""
    headless = cluster_of(environment).addresses == "pods"
    return pod_port(environment, service) if headless else service_port(environment, service)
