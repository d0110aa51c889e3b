# SPDX-License-Identifier: Apache-2.0
"""Commands and files for one machine: each is an object that the machine fetches, and an object that it brings back."""

from __future__ import annotations

import contextlib
import io
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from . import scripts
from .cloud import Cloud, CloudError, Machine, MissingFileError, Outcome
from .watch import Watch

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 2.0
MARGIN_S = 60

_FAILURES = {
    scripts.NO_SCRATCH: "it cannot make a directory in /tmp. Free space there, or make it writable for root",
    scripts.NO_CARRIER: "it has neither curl nor python3. Install one of them in its image",
    scripts.NOT_DOWNLOADED: "it cannot read from the object store. Let it reach the store by https, and see that the "
    "clock of the control node is right: the address it was given is valid for a limited time",
    scripts.NOT_UPLOADED: "it cannot write to the object store. Let it reach the store by https, and see that the "
    "clock of the control node is right and that the credentials last as long as the command",
    scripts.NOT_WRITTEN: "it cannot fetch the file from the object store or write it. See that the directory is there "
    "and has room",
}


def end_commands(machine: Machine, job: str, command: str = "") -> None:
    """End what was sent for a job: `command`, or what the cloud knows where its id never arrived. Raises CloudError."""
    for one in [command] if command else machine.find(job):
        machine.cancel(one, scripts.stop(job))
        machine.forget(one)


@dataclass(frozen=True)
class Limits:
    """Seconds: to begin a command, and to end it."""

    delivery_s: int
    execution_s: int

    @property
    def total_s(self) -> int:
        """Seconds after which the cloud itself must have ended a command."""
        return self.delivery_s + self.execution_s + MARGIN_S


@dataclass(frozen=True)
class Session:
    """Runs commands on the machine that Ansible calls `host`; nothing of them stays behind, however they end."""

    host: str
    cloud: Cloud
    limits: Limits
    watch: Watch
    warn: Callable[[str], None]

    def execute(self, command: bytes, stdin: bytes) -> tuple[int, bytes, bytes]:
        """Run a command and return its exit code, output and errors. Raises CloudError."""
        store = self.cloud.store
        with self._objects("result") as (job, names):
            url = store.upload_url(names[0], self.limits.total_s)
            self._run(job, scripts.execute(command, stdin, url, store.upload_header))
            content = io.BytesIO()
            store.get(names[0], content)
        try:
            return scripts.result(content.getvalue())
        except ValueError as error:
            raise CloudError("What came back of the command is damaged. Run it again.") from error

    def put(self, source: BinaryIO, path: str) -> None:
        """Write what `source` holds to a file of the machine. Raises CloudError."""
        store = self.cloud.store
        with self._objects("file") as (job, names):
            store.put(names[0], source)
            self._run(job, scripts.receive(path, store.download_url(names[0], self.limits.total_s)))

    def fetch(self, path: str, target: BinaryIO) -> None:
        """Write a file of the machine to `target`. Raises CloudError, and MissingFileError when there is none."""
        store = self.cloud.store
        with self._objects("file") as (job, names):
            url = store.upload_url(names[0], self.limits.total_s)
            self._run(job, scripts.send(path, url, store.upload_header))
            store.get(names[0], target)

    @contextlib.contextmanager
    def _objects(self, *kinds: str) -> Iterator[tuple[str, Sequence[str]]]:
        """A new job, and the names of its objects, which are removed after the block."""
        job = uuid.uuid4().hex
        names = [f"{job}/{kind}" for kind in kinds]
        everything = [*names, _steps(job)]
        self.watch.begin(job, everything)
        try:
            yield job, names
        finally:
            with self._only_warn("its objects stay in the store"):
                self.cloud.store.delete(everything)
            self.watch.end(job)

    def _run(self, job: str, steps: scripts.Steps) -> None:
        """Have the machine carry out steps. Raises CloudError when it does not, after it has ended them."""
        machine, store = self.cloud.machine, self.cloud.store
        store.put(_steps(job), io.BytesIO(steps.content))
        hidden = {scripts.URL: store.download_url(_steps(job), self.limits.delivery_s + MARGIN_S)}
        command, loader = "", scripts.loader(job, steps)
        try:
            command = machine.start(job, loader, hidden, self.limits.delivery_s, self.limits.execution_s)
            self.watch.started(job, command)
            outcome = self._wait(command)
        except BaseException as error:  # also a time limit, which may strike before the cloud has answered
            if command or not isinstance(error, CloudError):
                with self._only_warn("the command may go on there"):
                    end_commands(machine, job, command)
            raise
        with self._only_warn("the cloud keeps its record of the command"):
            machine.forget(command)
        self._judge(outcome)

    def _wait(self, command: str) -> Outcome:
        end = time.monotonic() + self.limits.total_s
        pause = FIRST_PAUSE_S
        while (outcome := self.cloud.machine.look(command)) is None:
            if time.monotonic() > end:
                raise CloudError(
                    f"The cloud has said nothing of a command's end for {self.limits.total_s} s, longer "
                    "than it may take; it was cancelled. See that the agent on the machine runs."
                )
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_S)
        return outcome

    def _judge(self, outcome: Outcome) -> None:
        if outcome.fault:
            raise CloudError(outcome.fault)
        if outcome.exit_code == scripts.NO_SUCH_FILE:
            raise MissingFileError("no such file")
        if outcome.exit_code != 0:
            reason = _FAILURES.get(
                outcome.exit_code, f"the script that brings the command ended with {outcome.exit_code}"
            )
            raise CloudError(f"The machine did not carry out a command: {reason}.\n{outcome.stderr}".rstrip())

    @contextlib.contextmanager
    def _only_warn(self, consequence: str) -> Iterator[None]:
        try:
            yield
        except CloudError as error:
            self.warn(f"{self.host}: {consequence}: {error}")


def _steps(job: str) -> str:
    return f"{job}/steps"
