# SPDX-License-Identifier: Apache-2.0
"""Names of images (OCI distribution specification 1.1, "Pulling manifests"; Docker's short forms of them)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import AdapterError

HUB = "docker.io"
TAG = "latest"

COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(
    rf"(?P<repository>(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?{COMPONENT}(?:/{COMPONENT})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
)


@dataclass(frozen=True)
class ImageName:
    """A repository, with its registry or for Docker's hub without, and a tag."""

    repository: str
    tag: str

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def full(self) -> str:
        """The name with its registry, as containerd and Kubernetes know it."""
        first, slash, rest = self.repository.partition("/")
        has_registry = slash and ("." in first or ":" in first or first == "localhost")
        registry, path = (first, rest) if has_registry else (HUB, self.repository)
        if registry == HUB and "/" not in path:
            path = f"library/{path}"
        return f"{registry}/{path}:{self.tag}"


def parse_name(text: str) -> ImageName:
    """Return the name that `text` is, with the tag `latest` when it has none; raise AdapterError when it is none."""
    found = NAME.fullmatch(text)
    if found is None:
        raise AdapterError(
            f"{text!r} is no image's name. Write [registry/]repository[:tag] with small letters, "
            'for example "registry.example.com/nexus/backend:1.0".'
        )
    return ImageName(found.group("repository"), found.group("tag") or TAG)
