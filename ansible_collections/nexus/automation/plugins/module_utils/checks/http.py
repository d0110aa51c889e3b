# SPDX-License-Identifier: Apache-2.0
"""Asks an HTTP server for one page and looks at status and body. Redirects are answers, not followed."""

from __future__ import annotations

import functools
import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import AdapterError
from ..network import describe_network_error
from .base import Answer

BODY_LIMIT = 1_048_576
CHUNK = 65_536
SHOWN = 200


@dataclass(frozen=True)
class HttpCheck:
    """GET of one address; the body matters only when `contains` or `json_pointer` is set."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None
    statuses: tuple[int, ...]
    contains: str | None
    json_pointer: str | None
    json_value: Any

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> HttpCheck:
        """Make one from `url`, or from `host`, `port`, `path` and `tls`."""
        host, port, path, tls = _place(options)
        return cls(
            host=host,
            port=port,
            path=path,
            tls=_tls_context(options["ca_file"], options["verify_tls"]) if tls else None,
            statuses=tuple(options["statuses"]),
            contains=options["contains"],
            json_pointer=options["json_pointer"],
            json_value=options["json_value"],
        )

    @property
    def address(self) -> str:
        """The page's URL."""
        return f"{'https' if self.tls else 'http'}://{_bracketed(self.host)}:{self.port}{self.path}"

    def probe(self, timeout: float) -> Answer:
        """Get the page once."""
        end = time.monotonic() + timeout
        connection = self._connection(timeout)
        try:
            connection.request("GET", self.path, headers={"Connection": "close", "User-Agent": "nexus-automation"})
            with connection.getresponse() as response:
                return self._judge(response, end)
        except (OSError, http.client.HTTPException) as error:
            return Answer(False, describe_network_error(error, timeout))
        finally:
            connection.close()

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self.tls is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=self.tls)

    def _judge(self, response: http.client.HTTPResponse, end: float) -> Answer:
        status = response.status
        if status not in self.statuses:
            wanted = ", ".join(map(str, self.statuses))
            shown = " ".join(_body(response, end, SHOWN).split())
            return Answer(False, f"HTTP {status} instead of {wanted}" + (f": {shown}" if shown else ""), status)
        problem = self._body_problem(response, end)
        return Answer(problem is None, problem or f"HTTP {status}", status)

    def _body_problem(self, response: http.client.HTTPResponse, end: float) -> str | None:
        if self.contains is None and self.json_pointer is None:
            return None
        body = _body(response, end, BODY_LIMIT)
        if self.contains is not None and self.contains not in body:
            return f"the body lacks {self.contains!r}: {body[:SHOWN]!r}"
        if self.json_pointer is None:
            return None
        return _json_problem(body, self.json_pointer, self.json_value)


def resolve_pointer(document: Any, pointer: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value `pointer` (RFC 6901) refers to; raise LookupError when there is none."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdigit():
            value = value[int(key)]
        elif isinstance(value, dict):
            value = value[key]
        else:
            raise LookupError(pointer)
    return value


def _json_problem(body: str, pointer: str, wanted: Any) -> str | None:  # noqa: ANN401 - any JSON value
    try:
        found = resolve_pointer(json.loads(body), pointer)
    except ValueError:
        return f"the body is not JSON: {body[:SHOWN]!r}"
    except LookupError:
        return f"the body has nothing at {pointer}: {body[:SHOWN]!r}"
    if found != wanted:
        return f"{pointer} is {json.dumps(found)} instead of {json.dumps(wanted)}"
    return None


def _place(options: Mapping[str, Any]) -> tuple[str, int, str, bool]:
    if options["url"] is None:
        if options["port"] is None:
            raise AdapterError("an http target needs `url`, or `port`")
        return options["host"], options["port"], options["path"] or "/", options["tls"]
    parts = urlsplit(options["url"])
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AdapterError(f"url {options['url']!r} is none: it must begin with http:// or https:// and a host")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, parts.port or (443 if tls else 80), path, tls


@functools.lru_cache(maxsize=32)
def _tls_context(ca_file: str | None, verify: bool) -> ssl.SSLContext:
    # Loading the system's authorities takes longer than a whole check, hence once for all targets.
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise AdapterError(f"ca_file {ca_file} cannot be read: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _body(response: http.client.HTTPResponse, end: float, limit: int) -> str:
    content = b""
    while len(content) < limit:
        if time.monotonic() > end:
            raise http.client.HTTPException("the body did not arrive in time")
        chunk = response.read1(CHUNK)
        if not chunk:
            break
        content += chunk
    return content[:limit].decode("utf-8", errors="replace")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
