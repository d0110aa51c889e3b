# SPDX-License-Identifier: Apache-2.0
"""What a proxy tells of itself over HTTP, through a Unix socket or loopback TCP.

For Caddy that is its admin API (its documentation: "API"), for nginx a server of its configuration.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from dataclasses import dataclass
from typing import Any, cast

from ..errors import AdapterError, UnreachableError
from ..network import UnixHTTPConnection, describe_network_error

LIMIT_S = 30.0
ATTEMPTS = 50
PAUSE_S = 0.05
SHOWN = 300
DROPPED = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)  # the first covers RemoteDisconnected


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    body: str


@dataclass(frozen=True)
class AdminApi:
    """The API of one proxy; `address` is `host:port` or `unix/<path>`. A request may take `limit_s` seconds.

    `server` is the proxy's name for people.
    """

    server: str
    address: str
    limit_s: float = LIMIT_S

    def get(self, path: str) -> str:
        """Return the text at `path`."""
        answer = self.request(path)
        self.require_ok(answer)
        return answer.body

    def get_list(self, path: str) -> list[dict[str, Any]]:
        """Return the JSON list of objects at `path`; `null` is an empty one."""
        return cast("list[dict[str, Any]]", json.loads(self.get(path)) or [])

    def request(self, path: str) -> Answer:
        """Ask for `path` and return whatever is answered; raise UnreachableError when nothing is.

        A proxy that loads a configuration may drop connections that it has accepted and not read from: such a request
        is sent again.
        """
        for _ in range(ATTEMPTS):
            try:
                return self._send(path)
            except DROPPED:
                time.sleep(random.uniform(0, PAUSE_S))  # noqa: S311 - no secret
        raise UnreachableError(
            f"{self.server}'s admin API at {self.address} closes every connection. Look at {self.server}'s log."
        )

    def require_ok(self, answer: Answer) -> None:
        """Raise AdapterError with what the API says unless it did what was asked."""
        if answer.status != http.client.OK:
            raise AdapterError(
                f"{self.server} at {self.address} answers HTTP {answer.status}: {answer.body.strip()[:SHOWN]}"
            )

    def _send(self, path: str) -> Answer:
        connection = self._connection()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode("utf-8", errors="replace"))
        except DROPPED:
            raise
        except (OSError, http.client.HTTPException) as error:
            cause = describe_network_error(error, self.limit_s)
            raise UnreachableError(
                f"{self.server}'s admin API at {self.address} does not answer: {cause}. "
                f"Start {self.server} or correct `admin`."
            ) from error
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.address.startswith("unix/"):
            return UnixHTTPConnection(self.address[len("unix/") :], self.limit_s)
        host, _, port = self.address.rpartition(":")
        if not host or not port.isdigit():
            raise AdapterError(f"admin address {self.address!r}: write host:port or unix/<path of the socket>.")
        return http.client.HTTPConnection(host.strip("[]"), int(port), timeout=self.limit_s)
