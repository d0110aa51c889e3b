# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit erase`."""

from __future__ import annotations

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.project import Project


@click.command(epilog='Example: nexus-ansible audit erase --actor alice --reason "request of 27 January"')
@click.option("--run", metavar="RUN", help="Payloads of this run.")
@click.option("--actor", metavar="USER", help="Payloads of everything this person did.")
@click.option("--expired", is_flag=True, help="Payloads older than security.compliance.data_retention.")
@click.option("--reason", required=True, metavar="TEXT", help="Why. It stays in the ledger, so it should name nobody.")
@click.confirmation_option(prompt="Payloads are gone for ever. Erase them?")
@project_option
@json_option
def command(project: Project, run: str | None, actor: str | None, expired: bool, reason: str, as_json: bool) -> None:
    """Remove payloads (people, reasons, arguments, output) for ever.

    The records themselves stay, and the ledger still verifies. That something was erased, and why, is recorded.
    """
    from datetime import timedelta

    from nexus_ansible.ledger.erasure import expired as older_than
    from nexus_ansible.ledger.ledger import Ledger
    from nexus_ansible.ledger.query import Query
    from nexus_ansible.model.units import seconds
    from nexus_ansible.project import SSOT
    from nexus_ansible.registries.registry_set import read_registries
    from nexus_ansible.run.gate import this_person

    if sum(map(bool, (run, actor, expired))) != 1:
        raise click.UsageError("say what to erase: one of --run, --actor, --expired")
    query = Query(run=run, actor=actor)
    if expired:
        registries = read_registries(project.ssot, shown=SSOT)
        retention = registries.get(("security", "compliance", "data_retention"), "7y")
        query = older_than(timedelta(seconds=seconds(retention)))
    with Ledger.open(project.ledger) as ledger:
        indices = ledger.erase(query, reason=reason, payload={"actor": this_person().name})
    if as_json:
        print_json({"erased": list(indices)})
    else:
        click.echo(f"{len(indices)} payloads erased")
