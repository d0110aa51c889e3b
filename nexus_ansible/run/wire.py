# SPDX-License-Identifier: Apache-2.0
"""The recorder's end of the socket on which the callback plugin speaks: one JSON message a line."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus_ansible.run.recorder import Recorder

CHUNK = 1 << 16
NAP_S = 0.005


def read_line(connection: socket.socket) -> bytes:
    """The first message. The other end then waits for an answer, so nothing follows it."""
    data = b""
    while not data.endswith(b"\n"):
        more = connection.recv(CHUNK)
        if not more:
            break
        data += more
    return data


def answer(connection: socket.socket, message: dict[str, object]) -> None:
    """Answer the first message: `{"run": ID, "secrets": {NAME: VALUE}}`, or `{"refused": WHY}`."""
    connection.sendall(json.dumps(message).encode() + b"\n")


def serve(connection: socket.socket, recorder: Recorder) -> None:
    """Feed a recorder until the other end closes; records are committed in groups on the way.

    Raises LedgerIntegrityError when a record cannot be written.
    """
    for line in _lines(connection, recorder):
        recorder.handle(line)
    recorder.commit()


def _lines(connection: socket.socket, recorder: Recorder) -> Iterator[bytes]:
    rest = b""
    while True:
        ready, _, _ = select.select([connection], [], [], recorder.due_in())
        if not ready:
            recorder.commit()
            continue
        try:
            data = connection.recv(CHUNK)
        except ConnectionResetError:
            return
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
        if recorder.due_in() == 0:
            recorder.commit()
        time.sleep(NAP_S)  # to be woken for each message would cost both ends more than the message
