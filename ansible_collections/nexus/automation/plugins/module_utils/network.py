# SPDX-License-Identifier: Apache-2.0
"""HTTP over Unix sockets, and the limit of their paths."""

from __future__ import annotations

import http.client
import socket

from .errors import AdapterError

SOCKET_PATH_LIMIT = 107  # bytes of sockaddr_un.sun_path without its closing NUL (unix(7))


class UnixHTTPConnection(http.client.HTTPConnection):
    """An HTTP connection to the server behind a Unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def require_short_path(path: str, spare: int = 0) -> None:
    """Raise AdapterError when `path` with `spare` more bytes is too long for a Unix socket."""
    length, limit = len(path.encode()), SOCKET_PATH_LIMIT - spare
    if length > limit:
        raise AdapterError(
            f"{path}: a Unix socket's path may have {limit} bytes here, this one has {length}. "
            "Choose a shorter runtime directory, for example one below /run or /tmp."
        )


def describe_network_error(error: Exception, timeout: float) -> str:
    """Return the cause of a failed connection in a few words."""
    if isinstance(error, (socket.timeout, TimeoutError)):
        return f"no answer within {timeout:g} s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
