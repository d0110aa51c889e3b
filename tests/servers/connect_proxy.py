# SPDX-License-Identifier: Apache-2.0
"""A proxy that leads TLS for some names of the internet to a server of this machine, and all else where it belongs.

By its variables, programs whose addresses cannot be changed reach a server of the tests: HTTPS_PROXY, and CONNECT of
RFC 9110.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Collection, Iterator

from tests.servers.tcp_gate import pump


@contextlib.contextmanager
def leading(names: Collection[str], port: int) -> Iterator[dict[str, str]]:
    """Lead connections to these names to a port of 127.0.0.1 until the block ends; yield variables that say so."""

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            words = self.rfile.readline().decode("latin-1").split()
            while self.rfile.readline().strip():
                pass
            if words[:1] != ["CONNECT"]:
                self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
                return
            name, _, wanted = words[1].rpartition(":")
            target = ("127.0.0.1", port) if name in names else (name, int(wanted))
            with contextlib.suppress(OSError), socket.create_connection(target) as behind:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=pump, args=(behind, self.connection), daemon=True)
                back.start()
                pump(self.connection, behind)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield {"HTTPS_PROXY": f"http://127.0.0.1:{server.server_address[1]}", "NO_PROXY": "127.0.0.1,localhost"}
        finally:
            server.shutdown()
            thread.join()
