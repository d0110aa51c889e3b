# SPDX-License-Identifier: Apache-2.0
"""What every kind of service is to the platform: something with a usual health check and metrics.

Restarting is not theirs: it depends on the supervision that runs them (see `supervision`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Sample:
    """One value of one metric, named and labelled as in Prometheus."""

    metric: str
    labels: Mapping[str, str]
    value: float


class Service(Protocol):
    """One service that is asked for its metrics."""

    default_check: ClassVar[Mapping[str, str]]
    """The `kind` of its health check, and for http its `path`, when a target does not say."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Service:
        """Make one from a target's options; raise AdapterError for options that are missing or make no sense."""
        ...

    @property
    def address(self) -> str:
        """Whom it asks, without secrets."""
        ...

    def read_metrics(self, timeout: float) -> list[Sample]:
        """Ask for the metrics, for about `timeout` seconds at most; raise AdapterError with the cause of a failure."""
        ...
