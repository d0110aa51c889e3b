# SPDX-License-Identifier: Apache-2.0
"""Web services, whose metrics are a page in Prometheus's text format or in JSON."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import AdapterError
from ..http_client import Page, get_page, page_from_options
from .base import Sample
from .prometheus_text import parse_metrics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BODY_LIMIT = 16_777_216


@dataclass(frozen=True)
class WebService:
    """A service with a metrics page."""

    default_check: ClassVar[Mapping[str, str]] = {"kind": "http", "path": "/health"}

    page: Page

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> WebService:
        """Make one from `url` (its host and port count), or `host`, `port` and `tls`, and `metrics_path`."""
        return cls(page_from_options(options, options["metrics_path"]))

    @property
    def address(self) -> str:
        """The page's URL."""
        return self.page.address

    def read_metrics(self, timeout: float) -> list[Sample]:
        """Get the page; numbers at any depth of a JSON object are metrics named by the keys on the way, with dots."""
        with get_page(self.page, timeout) as response:
            if response.status != http.client.OK:
                raise AdapterError(f"HTTP {response.status} instead of 200")
            body = response.body(BODY_LIMIT)
            content_type = response.content_type
        if content_type == "application/json":
            return list(_flatten(_load(body), ""))
        return parse_metrics(body)


def _load(body: str) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        raise AdapterError(f"the metrics are not the JSON they claim to be: {error}") from error


def _flatten(value: object, name: str) -> Iterator[Sample]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (int, float)) and name:
        yield Sample(name, {}, float(value))
