# SPDX-License-Identifier: Apache-2.0
"""Prometheus metrics of the requests, by route."""

from __future__ import annotations

import time
from http import HTTPMethod
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

if TYPE_CHECKING:
    import falcon


class RequestMetrics:
    """Falcon middleware that counts and times requests, and the resource that shows the result."""

    def __init__(self, instance: str, release: str, environment: str) -> None:
        """Create the metrics in a registry of their own, so that a process can hold more than one application."""
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "http_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._durations = Histogram(
            "http_request_duration_seconds", "Time to answer.", ["route", "method"], registry=self._registry
        )
        labels = ["instance_name", "release", "environment"]
        info = Gauge("nexus_instance_info", "Which copy of which release this is.", labels, registry=self._registry)
        info.labels(instance, release, environment).set(1)

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Note when the request began."""
        req.context.began = time.perf_counter()

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        _resource: object,
        _req_succeeded: bool,
    ) -> None:
        """Count the request under its route's template: a label must not grow with what clients make up."""
        route = req.uri_template or "unmatched"
        method = req.method if req.method in HTTPMethod.__members__ else "other"
        self._requests.labels(route, method, str(resp.status_code)).inc()
        self._durations.labels(route, method).observe(time.perf_counter() - req.context.began)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Show every metric in the Prometheus text format."""
        resp.content_type = CONTENT_TYPE_LATEST
        resp.data = generate_latest(self._registry)
