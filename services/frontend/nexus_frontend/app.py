# SPDX-License-Identifier: Apache-2.0
"""The HTTP interface: which address answers what."""

from __future__ import annotations

import logging
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import falcon

from nexus_frontend.backend import Backend, BackendAwayError
from nexus_frontend.metrics import RequestMetrics
from nexus_frontend.pages import Pages
from nexus_frontend.server import THREADS
from nexus_frontend.static import StaticResource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexus_frontend.settings import Identity, Settings

logger = logging.getLogger(__name__)

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@contextmanager
def open_app(settings: Settings) -> Iterator[falcon.App[falcon.Request, falcon.Response]]:
    """Yield the WSGI application; its connections are closed at the end."""
    pages = Pages(settings.identity)
    metrics = RequestMetrics(**asdict(settings.identity))
    with closing(Backend(settings.backend_url, size=THREADS)) as backend:
        app = falcon.App(middleware=metrics)
        app.add_middleware(SecurityHeaders())
        app.add_error_handler(falcon.HTTPNotFound, pages.not_found)
        app.add_route("/", HomeResource(backend, pages))
        app.add_route("/health", HealthResource(settings.identity))
        app.add_route("/static/{name}", StaticResource())
        app.add_route("/metrics", metrics)
        yield app


class SecurityHeaders:
    """Falcon middleware: the pages load nothing but their own style and image, and nobody frames them."""

    def process_response(
        self, _req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Add the headers to every answer."""
        resp.set_headers(_HEADERS)


class HomeResource:
    """`/`: records a visit and shows who served it."""

    def __init__(self, backend: Backend, pages: Pages) -> None:
        self._backend = backend
        self._pages = pages

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Record a visit and show the count, or say with 503 that the backend is away."""
        try:
            visit = self._backend.record_visit()
        except BackendAwayError as error:
            logger.warning("The visit was not recorded: %s", error)
            resp.status = falcon.HTTP_SERVICE_UNAVAILABLE
            resp.retry_after = 5
            self._pages.show(resp, "away.html")
            return
        self._pages.show(resp, "home.html", visit=visit)

    def on_head(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer without a visit: HEAD is what monitors and link checkers send."""
        resp.content_type = falcon.MEDIA_HTML
        resp.cache_control = ["no-store"]


class HealthResource:
    """`/health`: 200 if the process serves. The backend's health is the backend's to report."""

    def __init__(self, identity: Identity) -> None:
        self._body = {"status": "ok"} | asdict(identity)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer without asking anyone."""
        resp.media = self._body
