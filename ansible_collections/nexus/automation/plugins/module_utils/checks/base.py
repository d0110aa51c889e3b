# SPDX-License-Identifier: Apache-2.0
"""What every kind of health check is: something with an address that can be asked once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Answer:
    """What one try found: `detail` in a few words, `status` the HTTP status or return code where there is one."""

    healthy: bool
    detail: str
    status: int | None = None


class Check(Protocol):
    """One target asked in one way."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Check:
        """Make one from a target's options; raise AdapterError for options that are missing or make no sense."""
        ...

    @property
    def address(self) -> str:
        """Whom it asks, without secrets."""
        ...

    def probe(self, timeout: float) -> Answer:
        """Ask once, for about `timeout` seconds at most. What is wrong is an unhealthy answer, never an exception."""
        ...
