# SPDX-License-Identifier: Apache-2.0
"""Turns what Ansible's callback tells into ledger records, in groups, without secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import orjson

from nexus_ansible.ledger.records import Record
from nexus_ansible.run.identity import RunIdentity
from nexus_ansible.run.redact import Redactor
from nexus_ansible.run.state import RunState, now_utc, timestamp
from nexus_ansible.run.tally import Tally, failure_text

COMMIT_EVERY_S = 0.25
GROUP = 1_000
INCLUDES = frozenset({"include_role", "include_tasks"})


class Log(Protocol):
    """Where records go: the ledger, or nowhere for runs that policies leave out."""

    def append(self, records: Sequence[Record]) -> object:
        """Make records durable. Raises LedgerIntegrityError."""
        ...


class Unrecorded:
    """The log of runs that only look, where `audit_all_actions` is false."""

    def append(self, records: Sequence[Record]) -> None:
        """Keep nothing."""


class Recorder:
    """One run's way into the ledger. Not thread-safe: one thread feeds it.

    `observe` is called with every message after redaction, for progress; `tasks_log` names the tasks that began, so
    that those without a record can be recorded as unknown when this process does not live to see their end.
    """

    def __init__(
        self,
        ledger: Log,
        identity: RunIdentity,
        redactor: Redactor,
        tasks_log: Path,
        observe: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.tally = Tally()
        self.status: dict[str, Any] = {}
        self.failures: list[dict[str, Any]] = []
        self.failed_step = ""
        self.step_seconds: dict[str, float] = {}
        self._ledger = ledger
        self._identity = identity
        self._redactor = redactor
        self._log = tasks_log.open("ab", buffering=0)
        self._observe = observe or (lambda _: None)
        self._pending: list[Record] = []
        self._due = 0.0
        self._play: dict[str, Any] = {}
        self._tasks: dict[str, dict[str, Any]] = {}
        self._running: dict[tuple[str, str], float] = {}
        self._step_began: tuple[str, float] = ("", 0.0)

    def open(self) -> None:
        """Record that the run begins; durable when this returns. Raises LedgerIntegrityError."""
        self._ledger.append([self._record("run_started", self._identity.opening, self._identity.personal)])

    def handle(self, line: bytes) -> None:
        """Take one message of the callback plugin, as JSON. Raises LedgerIntegrityError when it cannot be recorded."""
        message: dict[str, Any] = orjson.loads(line)
        event = message["event"]
        if event == "secrets":
            self._redactor.add(message["values"])
            return
        if self._redactor.may_hide(line.decode()):
            message = self._redactor.data(message)
        if event == "play":
            self._play = message
            self._mark_step(str(message["variables"].get("nexus_step", "")))
        elif event == "task":
            self._tasks[message["uuid"]] = message
        elif event == "start":
            self._start(message)
        elif event == "result":
            self._result(message)
        elif event == "include":
            self.tally.included.update(message["hosts"])
        elif event == "stats":
            self.tally.recap = message["hosts"]
            self.status = message["custom"].get("nexus_status", {})
        self._observe({**message, "play": self._play, "step": self._step(message.get("host", ""))})
        if len(self._pending) >= GROUP:
            self.commit()

    def redacted(self, text: str) -> str:
        """A text without the secrets known so far."""
        return self._redactor.text(text)

    def due_in(self) -> float | None:
        """Seconds until `commit` must be called; None when nothing waits."""
        return max(0.0, self._due - time.monotonic()) if self._pending else None

    def commit(self) -> None:
        """Make everything taken so far durable. Raises LedgerIntegrityError; what is not durable then stays pending."""
        if not self._pending:
            return
        self._ledger.append(self._pending)
        self._pending = []

    def close(self, outcome: str, message: str, discrepancies: list[str]) -> None:
        """Record tasks in flight as unknown, then the end of the run. Raises LedgerIntegrityError."""
        self._mark_step("")
        for (task, host), began in list(self._running.items()):
            fields = {**self._place(host), "task": self._name(task), "host": host, "outcome": "unknown"}
            self._pending.append(self._record("task", {**fields, "duration": _since(began)}))
        self._running.clear()
        end: dict[str, Any] = {f"tasks_{what}": number for what, number in self.tally.counts().items()}
        end |= {"outcome": outcome, "changed": bool(self.tally.changed.total())}
        if discrepancies:
            end["discrepancies"] = [self.redacted(text)[:500] for text in discrepancies[:50]]
        payload = {"message": self.redacted(message)} if message else None
        self._pending.append(self._record("run_ended", end, payload))
        self.commit()
        self._log.close()

    def ended(self, state: RunState, outcome: str, message: str = "") -> RunState:
        """The state of a run that has ended: how, when, and what it counted and took."""
        now = now_utc()
        return replace(
            state,
            outcome=outcome,
            ended=timestamp(now),
            duration=round((now - datetime.fromisoformat(state.started)).total_seconds(), 3),
            failed_step=self.failed_step if outcome != "ok" else "",
            message=message,
            reason=self.redacted(state.reason),
            counts={**self.tally.counts(), "changed": self.tally.changed.total()},
            step_seconds=self.step_seconds,
        )

    def _start(self, message: dict[str, Any]) -> None:
        self._running[message["task"], message["host"]] = time.monotonic()
        host, task = message["host"], message["task"]
        self._log.write(orjson.dumps({"begins": self._name(task), "host": host, "step": self._step(host)}) + b"\n")

    def _result(self, message: dict[str, Any]) -> None:
        task, host, outcome = message["task"], message["host"], message["outcome"]
        began = self._running.pop((task, host), None)
        # Ansible tells of a `meta` that is skipped, and leaves it out of the recap.
        self.tally.outcomes[host, outcome] += outcome != "skipped" or self._action(task).rpartition(".")[2] != "meta"
        self.tally.including[host] += outcome == "ok" and self._action(task).rpartition(".")[2] in INCLUDES
        self.tally.changed[host] += bool(message["changed"])
        fields = {
            **self._place(host),
            "task": self._name(task),
            "host": host,
            "service": message["service"],
            "outcome": outcome,
            "changed": message["changed"],
            "duration": _since(began),
            "action": self._action(task),
        }
        if outcome in {"failed", "timeout", "unreachable"}:
            self.failed_step = str(fields.get("step", ""))
            told = failure_text(message["result"])
            text = f"{host} does not answer: {told}" if outcome == "unreachable" else told
            self.failures.append({**fields, "message": text})
        if not self._pending:
            self._due = time.monotonic() + COMMIT_EVERY_S
        payload = {"result": message["result"], "path": self._tasks.get(task, {}).get("path")}
        self._pending.append(self._record("task", fields, payload))

    def _place(self, host: str) -> dict[str, Any]:
        variables = self._play.get("variables", {})
        place = {"step": self._step(host), "source": variables.get("nexus_source"), "wave": variables.get("nexus_wave")}
        return {key: value for key, value in place.items() if value}

    def _step(self, host: str) -> str:
        step = str(self._play.get("variables", {}).get("nexus_step", ""))
        return host if "{{" in step else step

    def _name(self, task: str) -> str:
        return str(self._tasks.get(task, {}).get("name", task))

    def _action(self, task: str) -> str:
        return str(self._tasks.get(task, {}).get("action", ""))

    def _mark_step(self, step: str) -> None:
        name, began = self._step_began
        now = time.monotonic()
        if name == step:
            return
        if name:
            self.step_seconds[name] = round(self.step_seconds.get(name, 0.0) + now - began, 3)
        self._step_began = (step, now)

    def _record(self, kind: str, fields: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> Record:
        return Record(kind, self._identity.run, {**self._identity.fields, **fields}, payload)


def _since(began: float | None) -> float:
    return round(time.monotonic() - began, 3) if began is not None else 0.0
