# SPDX-License-Identifier: Apache-2.0
"""The clouds there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .aws import open_aws, open_bucket
from .azure import open_azure, open_container
from .cloud import Cloud, ObjectStore

CLOUDS: dict[str, Callable[[Mapping[str, Any]], Cloud]] = {
    "aws": open_aws,
    "azure": open_azure,
}
STORES: dict[str, Callable[[Mapping[str, Any]], ObjectStore]] = {
    "aws": open_bucket,
    "azure": open_container,
}


def open_cloud(name: str, settings: Mapping[str, Any]) -> Cloud:
    """A machine and a store of a cloud; each cloud's function tells its settings. Raises CloudError."""
    return CLOUDS[name](settings)


def open_store(name: str, settings: Mapping[str, Any]) -> ObjectStore:
    """A store of a cloud; each cloud's function tells its settings. Raises CloudError."""
    return STORES[name](settings)
