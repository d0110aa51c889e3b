# SPDX-License-Identifier: Apache-2.0
"""What people see while a run is under way: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Protocol

import click

from nexus_ansible.run.state import RunState
from nexus_ansible.run.tally import failure_text

if TYPE_CHECKING:
    from rich.console import Console


class Progress(Protocol):
    """Is told every message of a run."""

    def __call__(self, message: dict[str, Any]) -> None:
        """Take one message of the recorder."""
        ...

    def close(self) -> None:
        """The run has ended."""
        ...


def progress_for(
    steps: tuple[str, ...], last: RunState | None, *, plain: bool = False, failures_only: bool = False
) -> Progress:
    """The progress that fits standard error. `last` is the last whole run of the same workflow, to compare with."""
    if failures_only or plain or not sys.stderr.isatty():
        return PlainProgress(steps, last, failures_only=failures_only)
    return LiveProgress(steps, last)


class Silent:
    """For `--json`: standard output holds the result alone, standard error the errors."""

    def __call__(self, message: dict[str, Any]) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""


class PlainProgress:
    """One line for each play, and one for each failure."""

    def __init__(self, steps: tuple[str, ...], last: RunState | None, *, failures_only: bool = False) -> None:
        self._failures_only = failures_only
        self._steps = steps
        self._last = last
        self._began = time.monotonic()
        self._play = ""
        self._step = ""

    def __call__(self, message: dict[str, Any]) -> None:
        """Tell plays as they begin and failures as they happen."""
        play = message["play"]
        if message["event"] == "start" and play["name"] != self._play:
            self._play = play["name"]
            if message["step"] and not self._failures_only:
                self._say(f"{self._place(message['step'])} {self._play.partition(' | ')[2]}")
        elif message["event"] == "result" and message["outcome"] in {"failed", "unreachable", "timeout"}:
            self._say(f"{message['outcome']}: {message['host']}: {first_line(message['result'])}")

    def close(self) -> None:
        """Nothing to tidy up."""

    def _place(self, step: str) -> str:
        number = f"{self._steps.index(step) + 1}/{len(self._steps)}" if step in self._steps else "-"
        before = self._last.step_seconds.get(step) if self._last else None
        return f"{number}" + (
            f" (last time {before:.1f} s)" if before is not None and step != self._step_now(step) else ""
        )

    def _step_now(self, step: str) -> str:
        now, self._step = self._step, step
        return now

    def _say(self, text: str) -> None:
        click.echo(f"{time.monotonic() - self._began:7.1f} s  {text}", err=True)


class LiveProgress:
    """A table of steps that is redrawn in place: state, wave, hosts done, time against the last run."""

    def __init__(self, steps: tuple[str, ...], last: RunState | None, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._steps = steps
        self._last = last
        self._rows: dict[str, dict[str, Any]] = {}
        self._now = ""
        self._live = Live(console=console or Console(stderr=True), refresh_per_second=8, get_renderable=self.table)
        self._live.start()

    def __call__(self, message: dict[str, Any]) -> None:
        """Follow plays, tasks and results."""
        step = str(message.get("step") or message["play"].get("variables", {}).get("nexus_step") or "")
        if not step or "{{" in step:
            return
        row = self._row(step)
        if message["event"] == "play":
            row["play"] = message["name"].rpartition(" | ")[2] if " | wave" in message["name"] else ""
        elif message["event"] == "task":
            row["task"] = message["name"]
        elif message["event"] == "start":
            row["hosts"].add(message["host"])
        elif message["event"] == "result":
            row["changed"] += bool(message["changed"])
            if message["outcome"] in {"failed", "unreachable", "timeout"}:
                row["failed"] += 1

    def close(self) -> None:
        """Leave the last table on the screen."""
        for row in self._rows.values():
            row["ended"] = row["ended"] or time.monotonic()
        self._live.stop()

    def _row(self, step: str) -> dict[str, Any]:
        if step != self._now and self._now in self._rows and not self._rows[self._now]["ended"]:
            self._rows[self._now]["ended"] = time.monotonic()
        self._now = step
        fresh = {"play": "", "task": "", "hosts": set(), "changed": 0, "failed": 0, "ended": 0.0}
        return self._rows.setdefault(step, {**fresh, "began": time.monotonic()})

    def table(self) -> Any:
        """The table as it stands."""
        from rich.spinner import Spinner
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=True, header_style="bold")
        for title in ("", "step", "hosts", "changed", "time", "last", ""):
            table.add_column(title, justify="right" if title in {"hosts", "changed", "time", "last"} else "left")
        for step in dict.fromkeys([*self._steps, *self._rows]):
            row = self._rows.get(step)
            before = self._last.step_seconds.get(step) if self._last else None
            last = f"{before:.1f} s" if before is not None else ""
            if row is None:
                table.add_row("·", f"[dim]{step}[/]", "", "", "", f"[dim]{last}[/]", "")
                continue
            running = not row["ended"]
            mark: Any = Spinner("dots") if running else "[red]✗[/]" if row["failed"] else "[green]✓[/]"
            spent = (row["ended"] or time.monotonic()) - row["began"]
            where = f"[dim]{row['play']} {row['task']}[/]" if running else ""
            hosts = str(len(row["hosts"])) if row["hosts"] else ""
            table.add_row(mark, step, hosts, str(row["changed"] or ""), f"{spent:.1f} s", last, where)
        return table


def first_line(result: dict[str, Any]) -> str:
    """The first line of a result's message."""
    return failure_text(result).splitlines()[0]
