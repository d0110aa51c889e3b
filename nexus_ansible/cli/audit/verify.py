# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit verify`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TextIO

import click

from nexus_ansible.cli.audit.filters import moment
from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.errors import LedgerCompletenessError, LedgerIntegrityError
from nexus_ansible.project import SSOT, Project


@click.command(cls=MovableCommand, epilog="Example: nexus-ansible audit verify --key ledger.pub")
@click.option(
    "--key",
    "key_file",
    type=click.File(errors="replace"),
    help="Public key to trust, as `key.pub` of the ledger has it.",
)
@click.option("--since", metavar="WHEN", help="Look for missing runs from then on. Default: the ledger's first record.")
@click.option("--integrity-only", is_flag=True, help="Leave out the verdict on completeness.")
@project_option
@json_option
def command(project: Project, key_file: TextIO | None, since: str | None, integrity_only: bool, as_json: bool) -> None:
    """Check that the ledger is intact (9 if not) and complete (10 if not).

    Intact: nothing edited, reordered, cut off or forged. Complete: every run that began has an end, and every run that
    the registries scheduled took place.
    """
    from nexus_ansible.ledger.verdict import verify
    from nexus_ansible.run.crashed import close_crashed

    close_crashed(project)
    vkey = key_file.read().strip() if key_file else None
    verdict = verify(project.ledger, vkey=vkey)
    gaps = [] if integrity_only or not verdict.intact else _gaps(project, verdict.open_runs, since)
    if as_json:
        print_json(
            {
                "intact": verdict.intact,
                "complete": None if integrity_only or not verdict.intact else not gaps,
                "records": verdict.size,
                "root": verdict.root,
                "origin": verdict.origin,
                "problems": [asdict(problem) for problem in verdict.problems],
                "accepted": [asdict(problem) for problem in verdict.accepted],
                "missing": gaps,
                "erased": verdict.erased,
                "witnessed": verdict.witnessed,
                "notices": list(verdict.notices),
            }
        )
    else:
        click.echo(f"{verdict.size} records, root {verdict.root}, {verdict.payloads} payloads, {verdict.erased} erased")
        for line in (*verdict.notices, *map(str, verdict.accepted)):
            click.echo(f"note: {line}")
        click.echo(f"integrity: {'ok' if verdict.intact else 'BROKEN'}")
        if not integrity_only:
            click.echo(f"completeness: {'unknown' if not verdict.intact else 'INCOMPLETE' if gaps else 'ok'}")
    if not verdict.intact:
        raise LedgerIntegrityError("\n".join(str(problem) for problem in verdict.problems))
    if gaps:
        raise LedgerCompletenessError("\n".join(gaps))


def _gaps(project: Project, open_runs: tuple[str, ...], since: str | None) -> list[str]:
    from nexus_ansible.ledger.completeness import scheduled_gaps
    from nexus_ansible.model.build import build_workflows, environment_views
    from nexus_ansible.registries.registry_set import read_registries
    from nexus_ansible.run.state import RunStore

    registries = read_registries(project.ssot, shown=SSOT)
    workflows = build_workflows(registries, environment_views(registries)[0]).values()
    running = {state.run for state in RunStore(project).open_runs()}
    unended = [f"run {run} began and has no end" for run in open_runs if run not in running]
    gaps = scheduled_gaps(project.ledger, workflows, moment(since, "--since"), datetime.now(UTC))
    return [*unended, *map(str, gaps)]
