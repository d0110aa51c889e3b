# SPDX-License-Identifier: Apache-2.0
"""A port of this machine that speaks TLS and leads to a Unix socket, as an engine for others is set up."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator

from tests.servers.ports import free_port
from tests.servers.tls import CertificateAuthority

CHUNK = 65_536


@contextlib.contextmanager
def tunnel(path: str, authority: CertificateAuthority) -> Iterator[int]:
    """Lead a port to the socket at `path` until the block ends; clients need a certificate of the authority's."""
    context = authority.server_context()
    context.load_verify_locations(authority.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED

    class Forwarding(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as behind:
                behind.connect(path)
                with context.wrap_socket(self.request, server_side=True) as before:
                    back = threading.Thread(target=_pump, args=(behind, before), daemon=True)
                    back.start()
                    _pump(before, behind)
                    back.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", free_port()), Forwarding) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            serving.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
