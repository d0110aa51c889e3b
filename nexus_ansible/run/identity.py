# SPDX-License-Identifier: Apache-2.0
"""Who runs what, why, and from which registries: what every record of a run carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunIdentity:
    """What is known of a run before it begins. `fields` go into every leaf, `personal` into the first payload."""

    run: str
    fields: Mapping[str, Any]
    opening: Mapping[str, Any]
    personal: Mapping[str, Any]
