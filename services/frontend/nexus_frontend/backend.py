# SPDX-License-Identifier: Apache-2.0
"""The backend, as the page needs it: record a visit, within a bound, exactly once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

import urllib3

from nexus_frontend.settings import Identity

# Seconds. A backend whose database is away says so within the read timeout.
_TIMEOUT: Final = urllib3.Timeout(connect=1, read=4)
# Every request carries an idempotency key, so one that may have been lost on the way is safe to send again.
_RETRIES: Final = urllib3.Retry(total=2, connect=2, read=1, redirect=0, status=0, other=0, allowed_methods=None)


class BackendAwayError(Exception):
    """The backend did not record the visit; the message says why, for the log."""


@dataclass(frozen=True)
class Visit:
    """What the backend answered."""

    count: int
    cache_answers: bool
    backend: Identity


class Backend:
    """A client that keeps its connections."""

    def __init__(self, url: str, size: int) -> None:
        """Prepare to connect on first use; `size` is the number of threads that may ask at once."""
        self._url = f"{url}/api/visits"
        self._pool = urllib3.PoolManager(maxsize=size, timeout=_TIMEOUT, retries=_RETRIES)

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    def record_visit(self) -> Visit:
        """Record one visit and return the count with it. Raises BackendAwayError when that was not possible."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        try:
            response = self._pool.request("POST", self._url, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise BackendAwayError(str(error)) from error
        if response.status not in {200, 201}:
            raise BackendAwayError(f"{self._url} answered {response.status}: {response.data[:500]!r}")
        try:
            return _visit(response.json())
        except (ValueError, TypeError, KeyError) as error:
            raise BackendAwayError(f"{self._url} answered what is not a count: {response.data[:500]!r}") from error


def _visit(body: Any) -> Visit:
    identity = Identity(str(body["instance"]), str(body["release"]), str(body["environment"]))
    return Visit(count=int(body["count"]), cache_answers=body["cache"] == "ok", backend=identity)
