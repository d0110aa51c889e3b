# SPDX-License-Identifier: Apache-2.0
"""Gunicorn, set up to lose no request when it is told to stop.

One process with threads: the work is waiting for other servers, and replicas are the way to use more cores.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.workers.gthread import TConn, ThreadWorker

# Requests answered at the same time; connection pools are as large, so that none waits for a connection.
THREADS: Final = 8
# Seconds a request in flight may take after SIGTERM before the process ends all the same.
DRAIN: Final = 20
# Seconds an idle connection is kept: longer than proxies keep theirs (Caddy: 120), because the side that closes first
# while the other sends loses a request.
KEEP_ALIVE: Final = 150

# Seconds without a new connection after which every handshake that had begun is taken to be over.
HANDSHAKE: Final = 0.1

# Linux, <linux/in.h> and <linux/in6.h>; Python has no names for them.
_IP_MINTTL: Final = 21
_IPV6_MINHOPCOUNT: Final = 73

OpenApp = Callable[[], AbstractContextManager[Any]]


class DrainingWorker(ThreadWorker):
    """A worker that answers the connections the kernel has accepted for it before it stops listening."""

    def set_accept_enabled(self, enabled: bool | None) -> None:
        """Stop listening for good when the worker is stopping: left open, clients would still connect, and be reset."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        while self.sockets:
            listener = self.sockets.pop()
            _require_hops(listener, 255)
            while select.select([listener], [], [], HANDSHAKE)[0]:
                self.accept(listener)
            listener.close()

    def handle(self, conn: TConn) -> bool:
        """Answer a connection; one accepted while the worker stops has the listener's limit until it is taken off."""
        if not self.alive:
            _require_hops(conn.sock, 0)
        return super().handle(conn)


def _require_hops(sock: socket.socket, least: int) -> None:
    """Let the kernel drop packets whose hop count is below `least` (ip(7), IP_MINTTL); 0 lifts the limit.

    On a listening socket 255, which no ordinary packet has, drops every SYN, while handshakes that have begun complete.
    Without it, a connection made between the last accept and the close would be reset, its request perhaps sent.
    A dropped client tries again after a second and is refused: it knows that nothing was lost. A socket filter would do
    the same, but not every kernel lets an ordinary user attach one.
    """
    sock.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, least)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, least)


class _Server(BaseApplication):
    def __init__(self, host: str, port: int, open_app: OpenApp) -> None:
        self._bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._open_app = open_app
        self._stack = ExitStack()
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self._bind,
            "worker_class": DrainingWorker,
            "workers": 1,
            "threads": THREADS,
            "keepalive": KEEP_ALIVE,
            "graceful_timeout": DRAIN,
            "control_socket_disable": True,
            "worker_exit": lambda _arbiter, _worker: self._stack.close(),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Open the application in the worker: threads and connections do not survive the fork."""
        return self._stack.enter_context(self._open_app())


def serve(host: str, port: int, open_app: OpenApp) -> None:
    """Serve the application until SIGTERM, then finish what is in flight and exit with 0."""
    Arbiter(_Server(host, port, open_app)).run()
