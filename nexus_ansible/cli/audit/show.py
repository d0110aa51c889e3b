# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit show`."""

from __future__ import annotations

import json
from typing import Any

import click

from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import Project


@click.command(cls=MovableCommand, epilog="Example: nexus-ansible audit show 20250127-123000-4f2a9c")
@click.argument("what", metavar="RUN|RECORD")
@project_option
@json_option
def command(project: Project, what: str, as_json: bool) -> None:
    """Show everything about a run (its id, or the beginning of it), or about one record (its number)."""
    from nexus_ansible.ledger.query import Query, select
    from nexus_ansible.run.state import RunStore

    if what.isdigit() and len(what) < 8:
        found = [one for one in select(project.ledger) if one.index == int(what)]
    else:
        found = list(select(project.ledger, Query(run=RunStore(project).load(what).run)))
    if not found:
        raise RefusedError(f"The ledger has no record {what}.\n  `nexus-ansible audit log` lists what there is.")
    if as_json:
        print_json([{"index": one.index, **one.record, "payload": one.payload, "actor": one.actor} for one in found])
        return
    for one in found:
        _show(one, whole=len(found) == 1)


def _show(one: Any, *, whole: bool) -> None:
    record = one.record
    head = " ".join(str(record[name]) for name in ("step", "host", "task", "outcome") if record.get(name))
    changed = " changed" if record.get("changed") else ""
    click.echo(click.style(f"#{one.index} {record['time']} {record['kind']} {head}{changed}", bold=True))
    if (
        record["kind"] == "task"
        and not whole
        and record.get("outcome") in {"ok", "skipped"}
        and not record.get("changed")
    ):
        return
    leaf = {
        key: value for key, value in record.items() if value not in (None, "", []) and key not in {"v", "kind", "time"}
    }
    shown: dict[str, Any] = {**leaf, "payload": one.payload if one.payload is not None else record.get("payload")}
    click.echo("  " + json.dumps(shown, indent=2, sort_keys=True, ensure_ascii=False).replace("\n", "\n  "))
