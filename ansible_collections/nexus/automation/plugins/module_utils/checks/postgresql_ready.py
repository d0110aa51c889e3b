# SPDX-License-Identifier: Apache-2.0
"""Asks PostgreSQL whether it takes connections, as `pg_isready` does, without that program and without a password.

Messages are those of "Frontend/Backend Protocol" in PostgreSQL's manual, protocol version 3.0.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..network import describe_network_error
from .base import Answer
from .postgresql import PORT

if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOCOL = 3 << 16
AUTHENTICATION, ERROR = b"R", b"E"
CANNOT_CONNECT_NOW = "57P03"
"""SQLSTATE of a server that starts, stops or recovers."""
HEADER_BYTES = 5
LONGEST_ERROR = 1 << 16


@dataclass(frozen=True)
class PostgresqlReadyCheck:
    """The first message of a login: whatever the server wants to know next, it takes connections."""

    host: str
    port: int
    user: str

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> PostgresqlReadyCheck:
        """Make one from `host`, `port` and `user`."""
        return cls(options["host"], options["port"] or PORT, options["user"] or "postgres")

    @property
    def address(self) -> str:
        """Host and port."""
        return f"postgresql://{self.host}:{self.port}"

    def probe(self, timeout: float) -> Answer:
        """Begin to log in once."""
        try:
            with socket.create_connection((self.host, self.port), timeout) as connection:
                connection.sendall(_startup(self.user))
                with connection.makefile("rb") as answers:
                    header = answers.read(HEADER_BYTES)
                    if header[:1] == AUTHENTICATION:
                        return Answer(True, "accepts connections")
                    if header[:1] != ERROR or len(header) < HEADER_BYTES:
                        return Answer(False, "does not speak PostgreSQL's protocol")
                    size = int.from_bytes(header[1:], "big") - (HEADER_BYTES - 1)
                    return judge_error(answers.read(max(0, min(size, LONGEST_ERROR))))
        except OSError as error:
            return Answer(False, describe_network_error(error, timeout))


def _startup(user: str) -> bytes:
    body = struct.pack("!i", PROTOCOL) + b"user\0" + user.encode() + b"\0\0"
    return struct.pack("!i", len(body) + 4) + body


def judge_error(error: bytes) -> Answer:
    """What the fields of an ErrorResponse tell: who refuses this login takes others, except where it takes none now."""
    fields = {field[:1]: field[1:].decode(errors="replace") for field in error.split(b"\0") if field}
    if fields.get(b"C") == CANNOT_CONNECT_NOW:
        return Answer(False, fields.get(b"M", "takes no connections at the moment"))
    return Answer(True, "accepts connections")
