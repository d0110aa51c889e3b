# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and how results reach standard output."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from nexus_ansible.project import Project, find_project

Command = TypeVar("Command", bound=Callable[..., Any])


def project_option(command: Command) -> Command:
    """`--project DIR`: passes a Project; the closest one from the current directory upwards by default."""

    def find(_: click.Context, __: click.Parameter, value: Path | None) -> Project:
        return find_project((value or Path.cwd()).resolve())

    return click.option(
        "--project",
        type=click.Path(path_type=Path, file_okay=False),
        callback=find,
        metavar="DIR",
        help="The project. Default: the closest directory with a config/ssot.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`: passes `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")(command)


def print_json(data: object) -> None:
    """Stable JSON on standard output."""
    click.echo(json.dumps(data, indent=2, sort_keys=True, default=str))


def notice(text: str) -> None:
    """A line on standard error, whether or not anybody still reads it."""
    with suppress(OSError):
        click.echo(text, err=True)


def reason_option(command: Command) -> Command:
    """`--reason TEXT`; bytes that are not UTF-8 become question marks, because the ledger holds text alone."""

    def as_text(_: click.Context, __: click.Parameter, value: str) -> str:
        return value.encode("utf-8", "replace").decode()

    return click.option("--reason", default="", callback=as_text, metavar="TEXT", help="Why; it goes into the ledger.")(
        command
    )


def run_options(command: Command) -> Command:
    """Options of every command that runs a workflow: which hosts and steps, why, and with whose approval."""
    for option in reversed(
        (
            click.option("--limit", default="", metavar="HOSTS", help="Only these services or instances."),
            click.option("--step", multiple=True, metavar="STEP", help="Only this step; can be given several times."),
            click.option("--from-step", metavar="STEP", help="This step and those after it."),
            click.option("--check", is_flag=True, help="Ansible's check mode: change nothing."),
            reason_option,
            click.option("--yes", is_flag=True, help="Approve a restricted action yourself, without being asked."),
            click.option("-v", "--verbose", count=True, help="More of Ansible's own output; repeat for more."),
        )
    ):
        command = option(command)
    return command
