# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit log`."""

from __future__ import annotations

from typing import Any

import click

from nexus_ansible.cli.audit.filters import filter_options, query_of, tell_unknown_names
from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.cli.table import print_table
from nexus_ansible.project import Project

COLUMNS = ("record", "time", "run", "env", "workflow", "step", "host", "task", "outcome", "changed", "by", "reason")


@click.command(cls=MovableCommand, epilog="Example: nexus-ansible audit log --env production --since 2h --changed")
@filter_options
@click.option(
    "--tasks/--runs", default=None, help="Every task, or runs only. Default: runs, unless a filter is about tasks."
)
@project_option
@json_option
def command(project: Project, tasks: bool | None, as_json: bool, **filters: Any) -> None:
    """List records: who did what, when, why, and what changed."""
    from nexus_ansible.ledger.query import select

    query = query_of(**filters)
    about_tasks = any(filters[name] for name in ("service", "host", "run", "kind", "changed", "failed"))
    every = about_tasks if tasks is None else tasks
    found = [one for one in select(project.ledger, query) if every or one.record["kind"] != "task"]
    if not found:
        tell_unknown_names(project.ledger, filters)
    if as_json:
        print_json([{"index": one.index, **one.record, "payload": one.payload, "actor": one.actor} for one in found])
        return
    rows = [_row(one) for one in found]
    print_table(
        "records", COLUMNS, rows, [one.record.get("outcome") in {"failed", "timeout", "crashed"} for one in found]
    )


def _row(one: Any) -> list[object]:
    record = one.record
    changed = {True: "yes", False: "", None: ""}[record.get("changed")]
    what = record.get("task") or record["kind"]
    reason = (one.payload or {}).get("reason", "")
    fields = [record.get(name) for name in ("run", "env", "workflow", "step", "host")]
    return [one.index, record["time"][:19] + "Z", *fields, what, record.get("outcome"), changed, one.actor, reason]
