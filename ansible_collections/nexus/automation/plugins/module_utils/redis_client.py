# SPDX-License-Identifier: Apache-2.0
"""Just enough of the Redis protocol (RESP2) that a target needs no client library."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from .errors import AdapterError
from .network import describe_network_error

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def connect_redis(
    host: str, port: int, timeout: float, password: str | None, user: str | None
) -> Iterator[RedisConnection]:
    """Connect for the block, logged in when a password is given.

    Raises AdapterError with the server's own words or the cause the network gives.
    """
    try:
        connection = socket.create_connection((host, port), timeout)
    except OSError as error:
        raise AdapterError(describe_network_error(error, timeout)) from error
    with connection, connection.makefile("rb") as stream:
        client = RedisConnection(connection, stream, timeout)
        if password:
            client.call("AUTH", *([user] if user else []), password)
        yield client


@dataclass(frozen=True)
class RedisConnection:
    """A connection to one Redis server."""

    connection: socket.socket
    stream: BinaryIO
    timeout: float

    def call(self, *words: str) -> object:
        """Send one command and return its reply: a text, an int, None, or a list of these."""
        encoded = [word.encode() for word in words]
        request = b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        try:
            self.connection.sendall(request)
            return self._reply()
        except (OSError, ValueError) as error:
            raise AdapterError(describe_network_error(error, self.timeout)) from error

    def _reply(self) -> object:
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise AdapterError("the server closed the connection: it is no Redis server, or it is going down")
        kind, rest = line[:1], line[1:-2].decode(errors="replace")
        if kind == b"+":
            return rest
        if kind == b"-":
            raise AdapterError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return self._bulk(int(rest))
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        raise AdapterError(f"the answer is not Redis's protocol: {line[:80]!r}")

    def _bulk(self, length: int) -> str | None:
        if length < 0:
            return None
        return self.stream.read(length + 2)[:-2].decode(errors="replace")
