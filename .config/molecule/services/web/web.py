# SPDX-License-Identifier: Apache-2.0
"""A web service for the role tests: says who it is."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def greeting() -> str:
    """The name of this instance and whether it was told where the cache is."""
    return f"{os.environ.get('NEXUS_INSTANCE', '?')} cache={'CACHE_URL' in os.environ}\n"


class Requests(BaseHTTPRequestHandler):
    """Answers every path alike."""

    def do_GET(self) -> None:
        """Say who answers."""
        self._answer(200)

    def do_POST(self) -> None:
        """Pretend that something was made."""
        self._answer(201)

    def _answer(self, status: int) -> None:
        body = greeting().encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Requests).serve_forever()
