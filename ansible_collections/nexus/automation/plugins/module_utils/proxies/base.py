# SPDX-License-Identifier: Apache-2.0
"""What every reverse proxy can do with a pool of upstreams while it runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

POLL_S = 0.1
QUIET_READINGS = 2  # a request handed over just before the withdrawal may not have been counted in the first reading


class Proxy(Protocol):
    """Admits upstreams to pools and withdraws them; others may do so at the same time.

    Every method raises UnreachableError when the proxy does not answer and AdapterError when it refuses.
    """

    def upstreams(self, pool: str) -> Mapping[str, str]:
        """Return the upstreams the pool has room for, by name: `host:port` if admitted, an empty text if not."""
        ...

    def admit(self, pool: str, upstream: str, address: str) -> None:
        """Hand requests to `address` under the name `upstream`."""
        ...

    def withdraw(self, pool: str, upstream: str) -> None:
        """Hand no new requests to `upstream`."""
        ...

    def requests_in_flight(self, address: str) -> int:
        """Return how many requests the upstream is working on after its withdrawal.

        Before it, that is as many as the proxy can tell.
        """
        ...


def wait_until_drained(proxy: Proxy, address: str, limit_s: float) -> int:
    """Wait until the upstream works on no request; return how many are left after `limit_s` seconds."""
    end = time.monotonic() + limit_s
    quiet = 0
    while True:
        left = proxy.requests_in_flight(address)
        quiet = quiet + 1 if left == 0 else 0
        if quiet == QUIET_READINGS or time.monotonic() > end:
            return left
        time.sleep(POLL_S)
