# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit acknowledge`."""

from __future__ import annotations

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.project import Project


@click.command(
    epilog='Example: nexus-ansible audit acknowledge 1204 --reason "the clock was set after a battery change"'
)
@click.argument("record", type=click.IntRange(min=0))
@click.option("--reason", required=True, metavar="TEXT", help="Why the clock stepped there.")
@project_option
@json_option
def command(project: Project, record: int, reason: str, as_json: bool) -> None:
    """Accept a clock step that `verify` reports at a record. Nothing else can be accepted."""
    from nexus_ansible.ledger.ledger import Ledger
    from nexus_ansible.ledger.records import Record
    from nexus_ansible.run.gate import this_person

    payload = {"actor": this_person().name, "reason": reason}
    with Ledger.open(project.ledger) as ledger:
        (index,) = ledger.append([Record("acknowledged", None, {"index": record}, payload)])
    if as_json:
        print_json({"record": index, "acknowledges": record})
    else:
        click.echo(f"record {index} acknowledges the clock step at record {record}")
