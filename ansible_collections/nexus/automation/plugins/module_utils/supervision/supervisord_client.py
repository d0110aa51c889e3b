# SPDX-License-Identifier: Apache-2.0
"""XML-RPC to a supervisord behind a Unix socket (supervisord's documented XML-RPC API)."""

from __future__ import annotations

import http.client
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, cast

from ..errors import AdapterError, UnreachableError
from ..network import UnixHTTPConnection, describe_network_error

BAD_NAME = 10
ALREADY_STARTED = 60
NOT_RUNNING = 70

CALL_LIMIT_S = 30.0


class RefusedCallError(AdapterError):
    """Supervisord refused a call; `code` is one of its fault codes."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class SupervisordClient:
    """Calls one supervisord. Each call is a connection of its own: a restarted daemon is no special case.

    Every method raises UnreachableError when nothing answers and RefusedCallError when the call is refused.
    """

    socket: str

    def state(self) -> str:
        """Return the daemon's own state: FATAL, RUNNING, RESTARTING or SHUTDOWN."""
        return str(cast("dict[str, Any]", self._call("getState"))["statename"])

    def pid(self) -> int:
        """Return the daemon's process id."""
        return cast("int", self._call("getPID"))

    def shutdown(self) -> None:
        """Stop all programs and the daemon, without waiting for it."""
        self._call("shutdown")

    def process_info(self, name: str) -> dict[str, Any] | None:
        """Return what supervisord knows of a program, None when it does not know it."""
        try:
            return cast("dict[str, Any]", self._call("getProcessInfo", name))
        except RefusedCallError as error:
            if error.code == BAD_NAME:
                return None
            raise

    def all_process_info(self) -> list[dict[str, Any]]:
        """Return what supervisord knows of all its programs."""
        return cast("list[dict[str, Any]]", self._call("getAllProcessInfo"))

    def start_process(self, name: str) -> None:
        """Ask for a program's start, without waiting for it; one that runs already is left alone."""
        self._call("startProcess", name, False, tolerated=ALREADY_STARTED)

    def stop_process(self, name: str) -> None:
        """Ask for a program's stop, without waiting for it; one that does not run is left alone."""
        self._call("stopProcess", name, False, tolerated=NOT_RUNNING)

    def reload_config(self) -> None:
        """Make supervisord read its files again; running programs are not touched."""
        self._call("reloadConfig")

    def add_group(self, name: str) -> None:
        """Take a program read by `reload_config` into supervision; it starts at once when it is to start by itself."""
        self._call("addProcessGroup", name)

    def remove_group(self, name: str) -> None:
        """Take a stopped program out of supervision."""
        self._call("removeProcessGroup", name)

    def _call(self, method: str, *arguments: str | bool, tolerated: int | None = None) -> object:
        body = xmlrpc.client.dumps(arguments, f"supervisor.{method}")
        try:
            values, _ = xmlrpc.client.loads(self._post(body))
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == tolerated:
                return None
            message = f"supervisord at {self.socket} refused {method}: {fault.faultString}"
            raise RefusedCallError(fault.faultCode, message) from fault
        return values[0]

    def _post(self, body: str) -> bytes:
        connection = UnixHTTPConnection(self.socket, CALL_LIMIT_S)
        try:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml", "Connection": "close"})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            cause = describe_network_error(error, CALL_LIMIT_S)
            raise UnreachableError(
                f"supervisord at {self.socket} does not answer: {cause}. "
                "Start it with nexus.automation.supervisor_daemon, or correct the socket's path."
            ) from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise UnreachableError(f"{self.socket} answers HTTP {response.status}: it is not a supervisord's socket.")
        return content
