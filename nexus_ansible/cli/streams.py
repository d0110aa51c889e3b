# SPDX-License-Identifier: Apache-2.0
"""Standard streams as they come from a shell: closed, full, or read by nobody."""

from __future__ import annotations

import errno
import io
import os
import sys

from nexus_ansible.errors import OutputError


class Output(io.TextIOWrapper):
    """Standard output whose errors say what they are; after one, what is left goes nowhere.

    A pipe that its reader closed stays a BrokenPipeError, after which click ends silently, with 1.
    """

    def write(self, text: str) -> int:
        """Write text. Raises OutputError."""
        try:
            return super().write(text)
        except OSError as error:
            raise self._given_up(error) from error

    def flush(self) -> None:
        """Write what is waiting. Raises OutputError."""
        try:
            super().flush()
        except OSError as error:
            raise self._given_up(error) from error

    def _given_up(self, error: OSError) -> Exception:
        if error.errno == errno.EPIPE:
            return error
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
        return OutputError(
            f"standard output: {error.strerror}. The command did its work; only its result is not written."
        )


def open_standard_streams() -> None:
    """Open /dev/null in place of streams that are closed, whose numbers the next files would take; guard the output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
    plain = sys.stdout
    if isinstance(plain, io.TextIOWrapper):
        encoding, errors, by_line = plain.encoding, plain.errors, plain.line_buffering
        sys.stdout = Output(plain.detach(), encoding, errors, line_buffering=by_line)
