# SPDX-License-Identifier: Apache-2.0
"""What a cloud has to offer: a machine that runs scripts, and a store whose objects have addresses of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol


class CloudError(Exception):
    """A cloud refused, or a command did not come through: the message says where, what, and what to do."""


class MissingFileError(CloudError):
    """The machine has no such file."""


@dataclass(frozen=True)
class Outcome:
    """How a script ended, as the cloud's API tells it.

    `exit_code` is the script's, 0 when it went well; `fault` is the cloud's own word for an end that was not the
    script's (it never began, ran out of time, was cancelled); `stderr` may be cut short.
    """

    exit_code: int
    stderr: str = ""
    fault: str = ""


class Machine(Protocol):
    """A machine that runs shell scripts as root."""

    def start(self, job: str, script: str, hidden: Mapping[str, str], delivery_s: int, execution_s: int) -> str:
        """Send the script of a job and return the command's id, without waiting for it.

        `hidden` are variables for the script, kept out of the API's records where the cloud can. The script must have
        begun within `delivery_s` seconds where the cloud can say so, and ended `execution_s` seconds after.
        Raises CloudError.
        """

    def find(self, job: str) -> Sequence[str]:
        """The ids of commands that were sent for a job, also when the answer to `start` got lost. Raises CloudError."""

    def look(self, command: str) -> Outcome | None:
        """How a command ended; None as long as it has not. Raises CloudError."""

    def cancel(self, command: str, stop: str) -> None:
        """End a command; `stop` is a script that ends it from within, for a cloud that may not. Raises CloudError."""

    def forget(self, command: str) -> None:
        """Remove what the cloud keeps of a command that ended, where it counts against a limit. Raises CloudError."""


class ObjectStore(Protocol):
    """A place for objects that machines reach by address alone."""

    @property
    def upload_header(self) -> str:
        """The header that an upload must have, empty when it takes none."""

    def put(self, name: str, source: BinaryIO) -> None:
        """Store everything that `source` holds. Raises CloudError."""

    def has(self, name: str) -> bool:
        """Whether there is an object; no also where the store does not tell. Raises CloudError."""

    def get(self, name: str, target: BinaryIO) -> None:
        """Write an object to `target`. Raises CloudError."""

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects, whether they are there or not. Raises CloudError."""

    def download_url(self, name: str, valid_s: int) -> str:
        """An address that a GET reads the object from, for `valid_s` seconds. Raises CloudError."""

    def upload_url(self, name: str, valid_s: int) -> str:
        """An address that a PUT with `upload_header` writes the object to, for `valid_s` seconds. Raises CloudError."""


@dataclass(frozen=True)
class Cloud:
    """One machine, and the store that carries what goes to it and comes from it."""

    machine: Machine
    store: ObjectStore
