# SPDX-License-Identifier: Apache-2.0
"""Group commit: records of many threads, written together every 50 ms."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger.records import Record, check_record

if TYPE_CHECKING:
    from types import TracebackType

    from nexus_ansible.ledger.ledger import Ledger

INTERVAL = 0.05
"""Seconds between two commits."""


class GroupCommit:
    """Collects records and appends them to a ledger every 50 ms, on `flush` and on `close`.

    After a failed commit its records are kept, and every method raises that error until `flush` succeeds.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[Record] = []
        self._change = threading.Condition()
        self._commit_lock = threading.Lock()
        self._closed = False
        self._error: LedgerIntegrityError | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-group-commit", daemon=True)
        self._thread.start()

    def add(self, record: Record) -> None:
        """Hand over a record; it is durable after the next commit.

        Raises RecordError when it cannot be stored, LedgerIntegrityError when an earlier commit failed.
        """
        check_record(record)
        with self._change:
            if self._error:
                raise self._error
            self._waiting.append(record)
            self._change.notify()

    def flush(self) -> None:
        """Commit what was handed over. Raises LedgerIntegrityError."""
        with self._commit_lock:
            with self._change:
                group, self._waiting = self._waiting, []
            try:
                self._ledger.append(group)
            except LedgerIntegrityError as error:
                with self._change:
                    self._waiting = group + self._waiting
                    self._error = error
                raise
            self._error = None

    def close(self) -> None:
        """Commit the rest and end the thread. Raises LedgerIntegrityError."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join()
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or (self._waiting and not self._error))
                self._change.wait_for(lambda: self._closed, timeout=INTERVAL)
                if self._closed:
                    return
            try:
                self.flush()
            except LedgerIntegrityError:
                continue  # kept in _error for whoever calls next
