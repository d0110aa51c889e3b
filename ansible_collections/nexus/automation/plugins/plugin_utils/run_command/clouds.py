# SPDX-License-Identifier: Apache-2.0
"""The clouds there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .aws import open_aws
from .azure import open_azure
from .cloud import Cloud

CLOUDS: dict[str, Callable[[Mapping[str, Any]], Cloud]] = {
    "aws": open_aws,
    "azure": open_azure,
}


def open_cloud(name: str, settings: Mapping[str, Any]) -> Cloud:
    """A machine and a store of a cloud; each cloud's function tells its settings. Raises CloudError."""
    return CLOUDS[name](settings)
