# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible status`."""

from __future__ import annotations

from typing import Any

import click

from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.cli.table import print_table
from nexus_ansible.project import Project

COLUMNS = ("instance", "state", "health", "release", "address", "pid", "uptime")
RUN_COLUMNS = ("run", "workflow", "environment", "outcome", "changed", "seconds", "by", "reason")


@click.command(cls=MovableCommand, epilog="Example: nexus-ansible status production --json")
@click.argument("environment", metavar="[ENV]", required=False)
@click.option(
    "--runs",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="How many of the last runs to show.",
)
@project_option
@json_option
def command(project: Project, environment: str | None, runs: int, as_json: bool) -> None:
    """Show the instances of an environment (default: of all), their health and version, and the last runs.

    Ends with 6 when an instance is not healthy.
    """
    from dataclasses import asdict

    from nexus_ansible.cli.running import environment_of, execute_with_progress, permit_for, prepare, workflow_of
    from nexus_ansible.errors import RunError
    from nexus_ansible.run.plan import make_plan
    from nexus_ansible.run.session import Request
    from nexus_ansible.run.state import RunStore

    prepared = prepare(project)
    workflow = workflow_of(prepared, "platform.status")
    names = [environment_of(prepared, workflow, environment)] if environment else list(prepared.platform.environments)
    found: dict[str, list[dict[str, Any]]] = {}
    for name in names:
        permit = permit_for(prepared, workflow, name)
        plan = make_plan(prepared.manifest, workflow, name)
        result, _ = execute_with_progress(project, prepared, Request(plan, permit), as_json=True)
        result.raise_for_outcome()
        found[name] = list(result.status.get("instances", ()))
    last = [state for state in RunStore(project).latest(runs + len(names) * 2) if state.workflow != workflow.name][
        :runs
    ]
    if as_json:
        print_json({"environments": found, "runs": [{**asdict(state), "process": None} for state in last]})
    else:
        _show(found, last)
    ill = [row["instance"] for rows in found.values() for row in rows if row["health"] not in {"healthy", "absent"}]
    if ill:
        raise RunError(f"not healthy: {', '.join(ill)}")


def _show(found: dict[str, list[dict[str, Any]]], runs: list[Any]) -> None:
    for name, rows in found.items():
        if rows:
            ill = [row["health"] != "healthy" for row in rows]
            several = len({row["machine"] for row in rows}) > 1
            columns = (COLUMNS[0], "machine", *COLUMNS[1:]) if several else COLUMNS
            print_table(name, columns, [[row.get(column) for column in columns] for row in rows], ill)
        else:
            click.echo(f"{name}: nothing is deployed. Deploy it: nexus-ansible apply {name}")
    if runs:
        print_table(
            "last runs", RUN_COLUMNS, [_run_row(state) for state in runs], [state.outcome != "ok" for state in runs]
        )


def _run_row(state: Any) -> list[object]:
    outcome = f"{state.outcome}{' (check)' if state.check else ''}"
    changed = state.counts.get("changed")
    return [state.run, state.workflow, state.environment, outcome, changed, state.duration, state.actor, state.reason]
