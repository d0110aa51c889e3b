# SPDX-License-Identifier: Apache-2.0
"""The filters of `audit log` and `audit export`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from nexus_ansible.cli.options import notice
from nexus_ansible.ledger.query import Query
from nexus_ansible.ledger.reading import read
from nexus_ansible.model.units import seconds
from nexus_ansible.registries.problems import unknown

Command = TypeVar("Command", bound=Callable[..., Any])


def filter_options(command: Command) -> Command:
    """`--env --service --host --actor --run --kind --since --until --changed --failed`."""
    for option in reversed(
        (
            click.option("--env", "env", metavar="ENV", help="Of this environment."),
            click.option("--service", metavar="NAME", help="Of this service."),
            click.option("--host", metavar="NAME", help="On this host."),
            click.option("--actor", metavar="USER", help="By this person."),
            click.option("--run", "run", metavar="RUN", help="Of this run."),
            click.option("--kind", metavar="KIND", help="run_started, task, run_ended, ..."),
            click.option(
                "--since", metavar="WHEN", help='From then on: "2025-01-27", "2025-01-27T12:30", or "2h" ago.'
            ),
            click.option("--until", metavar="WHEN", help="Before then."),
            click.option("--changed", is_flag=True, help="Only what changed something."),
            click.option("--failed", is_flag=True, help="Only what failed."),
        )
    ):
        command = option(command)
    return command


def query_of(
    env: str | None,
    service: str | None,
    host: str | None,
    actor: str | None,
    run: str | None,
    kind: str | None,
    since: str | None,
    until: str | None,
    changed: bool,
    failed: bool,
) -> Query:
    """The query that the options stand for. Raises click.BadParameter."""
    return Query(
        env=env,
        service=service,
        host=host,
        actor=actor,
        run=run,
        kind=kind,
        since=moment(since, "--since"),
        until=moment(until, "--until"),
        changed=True if changed else None,
        failed=True if failed else None,
    )


def tell_unknown_names(ledger: Path, filters: Mapping[str, Any]) -> None:
    """Say on standard error which names no record has: a slip of the finger would look like an empty ledger."""
    wanted = {key: str(filters[key]) for key in ("env", "service", "host", "run", "kind") if filters.get(key)}
    known: dict[str, set[str]] = {key: set() for key in wanted}
    for entry in read(ledger) if wanted else ():
        for key, values in known.items():
            if value := entry.record.get(key):
                values.add(str(value))
    for key, name in wanted.items():
        if name not in known[key]:
            notice("\n  ".join(unknown(key, name, known[key])))


def moment(text: str | None, option: str) -> datetime | None:
    """A date, a time, or a duration before now; UTC where no time zone is given. Raises click.BadParameter."""
    if text is None:
        return None
    try:
        return datetime.now(UTC) - timedelta(seconds=seconds(text))
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)  # longer ago than the calendar goes
    except ValueError:
        pass  # not a duration: a date or a time, then
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f'"{text}" is not a date, a time or a duration such as 2h', param_hint=option
        ) from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
