# SPDX-License-Identifier: Apache-2.0
"""Start a run, watch over it, and close it: in every case there is a closing record and no process is left."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.run.ansible import Ended, Invocation, run_ansible
from nexus_ansible.run.crosscheck import RunnerEvents, recap_discrepancies
from nexus_ansible.run.guard import adopt_orphans, end_processes, marked_processes, reasons_to_stop
from nexus_ansible.run.private import private_directory
from nexus_ansible.run.wire import answer, read_line, serve

if TYPE_CHECKING:
    from nexus_ansible.run.recorder import Recorder  # loaded while Ansible starts, with the ledger

REFUSED = 7
KILLED = 128
LOOK_AGAIN_S = 0.2
# What ansible-core 2.19 prints where it reads no inventory; it has not touched a host by then.
_UNREAD = re.compile(r"Completely failed to parse inventory source (\S+)|No inventory was parsed")
_SOURCE = re.compile(r"with 'auto' plugin: (.*?)\s*(?:\nFailed to parse inventory|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `ok`, `failed`, `timeout`, `cancelled`, `crashed` or `refused`, and what to tell people."""

    outcome: str
    message: str = ""
    discrepancies: list[str] = field(default_factory=list)
    ledger_error: LedgerIntegrityError | None = None


class Supervision:
    """Why a run has to stop before its own end; the first reason counts."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.reason = ""
        self.message = ""
        self.ledger_error: LedgerIntegrityError | None = None

    def stop(self, reason: str, message: str) -> None:
        """End every process of the run, those included that are about to start."""
        with self._lock:
            if self.reason:
                return
            self.reason, self.message = reason, message
        threading.Thread(target=self._end, daemon=True).start()

    def over(self) -> None:
        """No process of the run starts any more."""
        self._over.set()

    def _end(self) -> None:
        while not self._over.is_set():
            end_processes(self._run)
            self._over.wait(LOOK_AGAIN_S)


def supervise(
    run: str,
    invocation: Callable[[Path], Invocation],
    open_recorder: Callable[[], Recorder],
    secrets: dict[str, str],
    timeout: float | None,
    tell: Callable[[str], None] | None = None,
) -> tuple[Recorder, Outcome]:
    """Run a playbook to its end, and close its record.

    `invocation` makes the invocation from the path of the recorder's socket. `open_recorder` is called while Ansible
    starts, which does nothing before the recorder has answered it. `timeout` is in seconds. `tell` gets what Ansible
    prints. Raises what `open_recorder` raises; nothing was touched then.
    """
    adopt_orphans()
    with private_directory(run) as private:
        plan = invocation(private / "ledger")
        watch = Supervision(plan.run)
        events = RunnerEvents()
        feed = Feed(_listen(private / "ledger"), open_recorder, secrets, watch, plan.run)
        feed.start()
        with _signals(watch), _time_limit(watch, timeout):
            ended = _run(plan, private / "runner", _take(events, tell), feed.begin, watch)
        _unblock(private / "ledger")
        feed.join()
    if feed.recorder is None:
        assert feed.error is not None
        raise feed.error
    outcome = _close(ended, feed.recorder, events, watch)
    if feed.error is not None and outcome.ledger_error is None:
        raise feed.error
    return feed.recorder, outcome


class Feed(threading.Thread):
    """Opens the recorder, takes the one connection that the callback plugin makes, and serves it.

    It does nothing before it is told to begin, so that loading the ledger does not keep Ansible from starting.
    """

    def __init__(
        self,
        listener: socket.socket,
        open_recorder: Callable[[], Recorder],
        secrets: dict[str, str],
        watch: Supervision,
        run: str,
    ) -> None:
        super().__init__(daemon=True)
        self.recorder: Recorder | None = None
        self.error: Exception | None = None
        self._listener = listener
        self._open_recorder = open_recorder
        self._secrets = secrets
        self._watch = watch
        self._run_id = run
        self._begun = threading.Event()

    def begin(self) -> None:
        """Open the recorder, now or soon."""
        self._begun.set()

    def run(self) -> None:
        """Whatever goes wrong stops the run: it would go on unrecorded."""
        self._begun.wait()
        path = Path(self._listener.getsockname())
        try:
            with self._listener:  # closed when there is no recorder, so that nobody waits for its answer
                self.recorder = self._open_recorder()
                connection, _ = self._listener.accept()
            path.unlink(missing_ok=True)
            with connection:
                self._serve(connection, self.recorder)
        except LedgerIntegrityError as error:
            self._watch.ledger_error = error
            self._give_up(error)
        except OSError as error:
            self._watch.ledger_error = LedgerIntegrityError(f"{error}. The record of the run is not complete.")
            self._give_up(self._watch.ledger_error)
        except Exception as error:  # noqa: BLE001 - a thread's errors reach nobody; supervise raises it
            self._give_up(error)

    def _serve(self, connection: socket.socket, recorder: Recorder) -> None:
        peer = _peer(connection)
        if peer == os.getpid():
            return
        if peer not in marked_processes(self._run_id):
            self._watch.stop("failed", f"process {peer}, which is not part of the run, tried to write its record")
        elif read_line(connection):
            answer(connection, {"run": self._run_id, "secrets": self._secrets})
            serve(connection, recorder)

    def _give_up(self, error: Exception) -> None:
        self.error = error
        self._watch.stop("failed", f"the run was stopped because it can no longer be recorded: {error}")


def _take(events: RunnerEvents, tell: Callable[[str], None] | None) -> Callable[[dict[str, Any]], bool]:
    def take(event: dict[str, Any]) -> bool:
        if tell is not None and event.get("stdout"):
            tell(str(event["stdout"]))
        return events.take(event)

    return take


def _run(
    plan: Invocation,
    private: Path,
    take: Callable[[dict[str, Any]], bool],
    on_start: Callable[[], None],
    watch: Supervision,
) -> Ended:
    private.mkdir(mode=0o700)
    try:
        return run_ansible(plan, private, take, on_start)
    except OSError as error:
        watch.stop("failed", f"ansible-runner cannot work: {error}")
        return Ended(None, "")
    finally:
        on_start()  # what never started is recorded as well
        watch.over()


def _close(ended: Ended, recorder: Recorder, events: RunnerEvents, watch: Supervision) -> Outcome:
    outcome, message = _verdict(ended, recorder, watch)
    message = recorder.redacted(message)
    found = events.forged() + recap_discrepancies(recorder.tally)
    if watch.ledger_error is None:
        try:
            recorder.close(outcome, message, found)
        except LedgerIntegrityError as error:
            watch.ledger_error = error
    return Outcome(outcome, message, found, watch.ledger_error)


def _verdict(ended: Ended, recorder: Recorder, watch: Supervision) -> tuple[str, str]:
    if watch.reason:
        return watch.reason, watch.message
    if ended.code == 0 and recorder.tally.recap is not None:
        return "ok", ""
    if ended.code == REFUSED:
        return "refused", ended.tail
    if ended.code is None or ended.code < 0 or ended.code > KILLED or ended.code == 0:
        what = f"by signal {ended.code - KILLED}" if ended.code and ended.code > KILLED else "without a recap"
        return "crashed", f"ansible-playbook ended {what}.\n{ended.tail}".strip()
    if recorder.tally.recap is None and _UNREAD.search(ended.tail):
        return "refused", _cause(ended.tail)
    return "failed", "" if recorder.failures else ended.tail


def _cause(printed: str) -> str:
    """What the source of the inventory said, without what Ansible's other plugins said that tried to read it, too."""
    unread, cause = _UNREAD.search(printed), _SOURCE.search(printed)
    if unread is None or cause is None:
        return printed
    where = Path(unread[1]).name if unread[1] else "the inventory"
    advice = "Hosts would be missing, so nothing was touched. Mend the cause and run it again."
    return f"{where}: cannot be used as an inventory: {cause[1].strip()}\n  {advice}"


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(1)
    return listener


def _unblock(path: Path) -> None:
    """Connect to the listener when nobody did, so that its thread ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        try:
            knock.connect(str(path))
        except OSError:
            return  # somebody did


def _peer(connection: socket.socket) -> int:
    """Process id at the other end (Linux SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


@contextmanager
def _signals(watch: Supervision) -> Iterator[None]:
    """Ctrl-C and a polite end cancel the run instead of leaving it alone."""

    def cancel(number: int, frame: object) -> None:  # noqa: ARG001
        watch.stop("cancelled", f"cancelled by {signal.Signals(number).name}")

    before = {number: signal.signal(number, cancel) for number in reasons_to_stop()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _time_limit(watch: Supervision, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, watch.stop, ("timeout", f"the time limit of {seconds:g} s was reached"))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
