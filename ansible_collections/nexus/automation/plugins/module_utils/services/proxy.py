# SPDX-License-Identifier: Apache-2.0
"""The reverse proxy (Caddy), whose metrics come from its admin API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import AdapterError
from ..proxies.admin_api import AdminApi
from ..proxies.caddy import gate_of
from .base import Sample
from .prometheus_text import parse_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ProxyService:
    """A Caddy: its own metrics, and the requests and failures of each upstream."""

    default_check: ClassVar[Mapping[str, str]] = {"kind": "http", "path": "/"}

    admin: AdminApi

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> ProxyService:
        """Make one from `admin`."""
        if not options["admin"]:
            raise AdapterError("the metrics of a proxy need `admin`, the address of its admin API")
        return cls(AdminApi("Caddy", options["admin"]))

    @property
    def address(self) -> str:
        """The admin API's address."""
        return self.admin.address

    def read_metrics(self, timeout: float) -> list[Sample]:
        """Read `/metrics` and `/reverse_proxy/upstreams`."""
        admin = AdminApi("Caddy", self.admin.address, timeout)
        samples = parse_metrics(admin.get("/metrics"))
        for upstream in admin.get_list("/reverse_proxy/upstreams"):
            address = str(upstream["address"])
            gate = gate_of(address)
            labels = {"upstream": gate.name if gate else address}
            samples.append(Sample("caddy_upstream_requests_in_flight", labels, float(upstream["num_requests"])))
            samples.append(Sample("caddy_upstream_fails", labels, float(upstream["fails"])))
        return samples
