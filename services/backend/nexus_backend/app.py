# SPDX-License-Identifier: Apache-2.0
"""The HTTP interface: which address answers what."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import falcon
import psycopg

from nexus_backend.cache import Cache
from nexus_backend.database import Database
from nexus_backend.health import Pings
from nexus_backend.metrics import RequestMetrics
from nexus_backend.server import THREADS
from nexus_backend.visits import count_visits, record_visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexus_backend.settings import Identity, Settings

_KEY_LENGTH: Final = 200


@contextmanager
def open_app(settings: Settings) -> Iterator[falcon.App[falcon.Request, falcon.Response]]:
    """Yield the WSGI application; its connections are closed at the end."""
    identity = settings.identity
    with ExitStack() as stack:
        database = stack.enter_context(closing(Database(settings.database_url, identity.instance, size=THREADS)))
        cache = stack.enter_context(closing(Cache(settings.redis_url, identity.environment)))
        pings = stack.enter_context(closing(Pings({"database": database.ping, "cache": cache.ping})))
        metrics = RequestMetrics(**asdict(identity))
        app = falcon.App(middleware=[metrics])
        app.add_error_handler(psycopg.OperationalError, _database_away)
        app.add_route("/api/health", HealthResource(pings, identity))
        app.add_route("/api/visits", VisitsResource(database, cache, identity))
        app.add_route("/api/version", VersionResource(identity))
        app.add_route("/metrics", metrics)
        yield app


class VisitsResource:
    """`/api/visits`: the count of visits, and one more."""

    def __init__(self, database: Database, cache: Cache, identity: Identity) -> None:
        self._database = database
        self._cache = cache
        self._identity = asdict(identity)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer with the count."""
        resp.media = asdict(count_visits(self._database, self._cache)) | self._identity

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Record a visit and answer with the count; a repeated `Idempotency-Key` counts once.

        Proxies repeat a POST only if it carries that header: clients that send it lose no visit when an instance goes.
        """
        key = req.get_header("Idempotency-Key") or str(uuid.uuid4())
        if len(key) > _KEY_LENGTH:
            raise falcon.HTTPInvalidHeader(f"Give at most {_KEY_LENGTH} characters.", "Idempotency-Key")
        count, new = record_visit(self._database, self._cache, key)
        resp.status = falcon.HTTP_CREATED if new else falcon.HTTP_OK
        resp.media = asdict(count) | self._identity


class HealthResource:
    """`/api/health`: 200 when PostgreSQL and Redis answer, 503 with the cause otherwise."""

    def __init__(self, pings: Pings, identity: Identity) -> None:
        self._pings = pings
        self._identity = asdict(identity)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Ask both and answer."""
        answers = self._pings.ask()
        healthy = all(answer.healthy for answer in answers.values())
        body: dict[str, Any] = {"status": _state(healthy=healthy)} | self._identity
        body["dependencies"] = {
            name: {"status": _state(healthy=answer.healthy)} | ({"cause": answer.cause} if answer.cause else {})
            for name, answer in answers.items()
        }
        resp.status = falcon.HTTP_OK if healthy else falcon.HTTP_SERVICE_UNAVAILABLE
        resp.media = body


class VersionResource:
    """`/api/version`: instance, release and environment."""

    def __init__(self, identity: Identity) -> None:
        self._identity = asdict(identity)

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Answer without touching a dependency."""
        resp.media = self._identity


def _state(*, healthy: bool) -> str:
    return "ok" if healthy else "unavailable"


def _database_away(
    _req: falcon.Request,
    _resp: falcon.Response,
    error: psycopg.OperationalError,
    _params: dict[str, Any],
) -> None:
    raise falcon.HTTPServiceUnavailable(
        title="PostgreSQL is away",
        description="The visit was neither recorded nor counted. /api/health names the cause; try again.",
        retry_after=2,
    ) from error
