# SPDX-License-Identifier: Apache-2.0
"""GET of one page, with bounds of time and size."""

from __future__ import annotations

import contextlib
import functools
import http.client
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import AdapterError, UnreachableError
from .network import describe_network_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHUNK = 65_536


@dataclass(frozen=True)
class Page:
    """Where a page is; `path` holds its query too, `tls` is None for plain HTTP."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None

    @property
    def address(self) -> str:
        """The page's URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.path}"


@dataclass(frozen=True)
class Response:
    """An answer whose body has not been read yet; `end` is the time.monotonic() by which it must have arrived."""

    status: int
    content_type: str
    stream: http.client.HTTPResponse
    end: float

    def body(self, limit: int) -> str:
        """Read at most `limit` bytes of the body; what is no UTF-8 is replaced."""
        content = b""
        while len(content) < limit:
            if time.monotonic() > self.end:
                raise http.client.HTTPException("the body did not arrive in time")
            chunk = self.stream.read1(CHUNK)
            if not chunk:
                break
            content += chunk
        return content[:limit].decode("utf-8", errors="replace")


def page_from_options(options: Mapping[str, Any], path: str) -> Page:
    """Make a page of `url`, or of `host`, `port`, `tls` and `path`; `ca_file` and `verify_tls` say whom to trust.

    Raises AdapterError for options that are missing or make no sense.
    """
    if options["url"] is None:
        if options["port"] is None:
            raise AdapterError("an http target needs `url`, or `port`")
        host, port, tls = options["host"], options["port"], options["tls"]
    else:
        parts = urlsplit(options["url"])
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise AdapterError(f"url {options['url']!r} is none: it must begin with http:// or https:// and a host")
        tls = parts.scheme == "https"
        host, port = parts.hostname, parts.port or (443 if tls else 80)
    return Page(host, port, path, _tls_context(options["ca_file"], options["verify_tls"]) if tls else None)


def path_of(url: str) -> str:
    """Return a URL's path with its query."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


@contextlib.contextmanager
def get_page(page: Page, timeout: float) -> Iterator[Response]:
    """Get `page` for the block; raise UnreachableError with the cause when that fails, also while the body is read.

    Redirects are answers like others: they are not followed.
    """
    end = time.monotonic() + timeout
    connection = _connect(page, timeout)
    try:
        connection.request("GET", page.path, headers={"Connection": "close", "User-Agent": "nexus-automation"})
        with connection.getresponse() as stream:
            yield Response(stream.status, stream.headers.get_content_type(), stream, end)
    except (OSError, http.client.HTTPException) as error:
        raise UnreachableError(describe_network_error(error, timeout)) from error
    finally:
        connection.close()


def _connect(page: Page, timeout: float) -> http.client.HTTPConnection:
    if page.tls is None:
        return http.client.HTTPConnection(page.host, page.port, timeout=timeout)
    return http.client.HTTPSConnection(page.host, page.port, timeout=timeout, context=page.tls)


@functools.lru_cache(maxsize=32)
def _tls_context(ca_file: str | None, verify: bool) -> ssl.SSLContext:
    # Loading the system's authorities takes longer than a whole request, hence once for all targets.
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise AdapterError(f"ca_file {ca_file} cannot be read: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
