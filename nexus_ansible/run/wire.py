# SPDX-License-Identifier: Apache-2.0
"""The recorder's end of the socket on which the callback plugin speaks: one JSON message a line."""

from __future__ import annotations

import json
import select
import socket
from collections.abc import Iterator

import orjson

from nexus_ansible.run.recorder import Recorder

CHUNK = 1 << 16


def serve(connection: socket.socket, recorder: Recorder, secrets: dict[str, str]) -> None:
    """Feed a recorder until the other end closes; records are committed in groups on the way.

    Answers the first message (`hello`) with the secrets. Raises LedgerIntegrityError when a record cannot be written:
    the connection is then closed, and the playbook ends because nobody records it.
    """
    try:
        for line in _lines(connection, recorder):
            message = orjson.loads(line)
            recorder.handle(message)
            if message["event"] == "hello":
                connection.sendall(json.dumps({"secrets": secrets}).encode() + b"\n")
        recorder.commit()
    finally:
        connection.close()


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
