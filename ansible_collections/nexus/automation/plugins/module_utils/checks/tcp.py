# SPDX-License-Identifier: Apache-2.0
"""Asks whether something accepts TCP connections."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from ..network import describe_network_error
from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class TcpCheck:
    """A connection to one port, closed at once."""

    host: str
    port: int

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> TcpCheck:
        """Make one from `host` and `port`."""
        if options["port"] is None:
            raise AdapterError("a tcp target needs `port`")
        return cls(options["host"], options["port"])

    @property
    def address(self) -> str:
        """Host and port."""
        return f"tcp://{self.host}:{self.port}"

    def probe(self, timeout: float) -> Answer:
        """Connect once."""
        try:
            with socket.create_connection((self.host, self.port), timeout):
                return Answer(True, "accepts connections")
        except OSError as error:
            return Answer(False, describe_network_error(error, timeout))
