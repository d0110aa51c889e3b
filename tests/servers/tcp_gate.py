# SPDX-License-Identifier: Apache-2.0
"""A port of this machine that leads to a server and can be shut, as if the server were started anew."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

CHUNK = 65_536


@dataclass
class TcpGate:
    """The way to a server."""

    server: tuple[str, int]
    listener: socket.socket
    is_shut: bool = False
    _ends: list[socket.socket] = field(default_factory=list)
    refused: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """Where clients connect to."""
        port: int = self.listener.getsockname()[1]
        return port

    def shut(self) -> None:
        """Break every connection off, and each that is made from now on; `refused` is set with the first of those."""
        self.is_shut = True
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        """Let connections through again."""
        self.is_shut = False

    def serve(self) -> None:
        """Lead connections through until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                before, _ = self.listener.accept()
                if self.is_shut:
                    before.close()
                    self.refused.set()
                else:
                    threading.Thread(target=self._lead, args=(before,), daemon=True).start()

    def _lead(self, before: socket.socket) -> None:
        with contextlib.suppress(OSError), before, socket.create_connection(self.server) as behind:
            self._ends += [before, behind]
            back = threading.Thread(target=pump, args=(behind, before), daemon=True)
            back.start()
            pump(before, behind)
            back.join()


@contextlib.contextmanager
def tcp_gate(host: str, port: int, address: str = "127.0.0.1") -> Iterator[TcpGate]:
    """Have a way to a server, at a port of `address`, until the block ends."""
    with socket.create_server((address, 0)) as listener:
        gate = TcpGate((host, port), listener)
        serving = threading.Thread(target=gate.serve, name="tcp-gate")
        serving.start()
        try:
            yield gate
        finally:
            gate.shut()
            listener.shutdown(socket.SHUT_RDWR)
            serving.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes until there is no more, and say so to the other end."""
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
