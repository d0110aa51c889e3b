# SPDX-License-Identifier: Apache-2.0
"""Runs a program, such as pg_isready, and looks at its return code."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from ..server_programs import program_path
from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 200


@dataclass(frozen=True)
class CommandCheck:
    """One program with its arguments; no shell is involved."""

    command: tuple[str, ...]
    expected_rc: int
    environment: Mapping[str, str]

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> CommandCheck:
        """Make one from `command`, `expected_rc` and `environment`. Programs of servers need not be in PATH."""
        if not options["command"]:
            raise AdapterError("a command target needs `command`")
        environment = {name: str(value) for name, value in (options["environment"] or {}).items()}
        program, *arguments = options["command"]
        return cls((program_path(program), *arguments), options["expected_rc"], environment)

    @property
    def address(self) -> str:
        """The command line."""
        return " ".join(shlex.quote(word) for word in self.command)

    def probe(self, timeout: float) -> Answer:
        """Run the program once; when it takes too long, it is killed with all it started."""
        try:
            process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        except OSError as error:
            return Answer(False, f"cannot be run: {error.strerror or error}")
        with process:
            try:
                output, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return Answer(False, f"no answer within {timeout:g} s")
        return self._judge(process.returncode, output)

    def _judge(self, returncode: int, output: bytes) -> Answer:
        shown = " ".join(output.decode("utf-8", errors="replace").split())[-SHOWN:]
        if returncode == self.expected_rc:
            return Answer(True, shown or f"return code {returncode}", returncode)
        cause = f"return code {returncode} instead of {self.expected_rc}"
        return Answer(False, f"{cause}: {shown}" if shown else cause, returncode)
