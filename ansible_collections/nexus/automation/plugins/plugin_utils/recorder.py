# SPDX-License-Identifier: Apache-2.0
"""The connection from the callback plugin to the recorder: one JSON message a line, over a socket nobody else has."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

ANSWER_LIMIT_S = 60


class RecorderLostError(Exception):
    """The recorder is gone, or cannot write: the run must not go on unrecorded."""


class RecorderRefusedError(Exception):
    """The recorder does not let the run begin."""


class Recorder:
    """An open connection. Forked workers of Ansible do not keep it."""

    def __init__(self, connection: socket.socket, root: Path) -> None:
        self.root = root
        self._connection = connection
        os.register_at_fork(after_in_child=connection.close)

    def send(self, message: dict[str, Any]) -> None:
        """Hand over one message. Raises RecorderLostError."""
        line = json.dumps(message, ensure_ascii=False, separators=(",", ":"), default=str)
        try:
            self._connection.sendall(line.encode("utf-8", "replace") + b"\n")
        except OSError as error:
            raise RecorderLostError(
                f"The ledger's recorder is gone ({error}): the run stops, because it can no longer be recorded."
            ) from error

    def welcome(self) -> dict[str, Any]:
        """Wait for the answer to the first message: the `run`'s id, and `secrets` by name.

        Raises RecorderRefusedError, RecorderLostError.
        """
        self._connection.settimeout(ANSWER_LIMIT_S)
        try:
            with self._connection.makefile("rb") as stream:
                line = stream.readline()
        except OSError as error:
            raise RecorderLostError(f"The ledger's recorder does not answer ({error}).") from error
        self._connection.settimeout(None)
        if not line:
            raise RecorderRefusedError("The ledger's recorder ended before the run began; see the message above.")
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise RecorderRefusedError(str(answer["refused"]))
        return answer

    def close(self) -> None:
        """Tell that nothing more comes, and wait until everything is on disk."""
        try:
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.settimeout(ANSWER_LIMIT_S)
            while self._connection.recv(4096):
                pass
        except OSError:
            pass  # the recorder closed first; it has reported why
        finally:
            self._connection.close()


def connect(path: str | None, playbook: Path) -> Recorder | None:
    """A connection to the recorder at `path`, else to a new one for the playbook's project; None outside a project.

    Raises RecorderLostError when the recorder at `path` does not answer.
    """
    root = project_of(playbook)
    if path:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(path)
        except OSError as error:
            connection.close()
            raise RecorderLostError(f"The ledger's recorder at {path} does not answer ({error}).") from error
        return Recorder(connection, root or playbook.parent)
    if root is None:
        return None
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", "nexus_ansible.run.standalone", str(root), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    return Recorder(ours, root)


def project_of(playbook: Path) -> Path | None:
    """The project a playbook lies in: the closest directory above it with a `config/ssot`."""
    return next((parent for parent in playbook.parents if (parent / "config" / "ssot").is_dir()), None)
