# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible run`."""

from __future__ import annotations

import click

from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, project_option, run_options
from nexus_ansible.project import Project


@click.command(
    cls=MovableCommand, epilog='Example: nexus-ansible run backup.daily --env production --reason "before the upgrade"'
)
@click.argument("workflow", metavar="WORKFLOW[.VARIANT]")
@click.option("--env", "environment", metavar="ENV", help="Environment, for a workflow that belongs to none.")
@run_options
@project_option
@json_option
def command(
    project: Project,
    workflow: str,
    environment: str | None,
    limit: str,
    step: tuple[str, ...],
    from_step: str | None,
    check: bool,
    reason: str,
    yes: bool,
    verbose: int,
    as_json: bool,
) -> None:
    """Run any workflow or pipeline: `deployment.staging`, `backup.daily`, `pipeline.ci`."""
    from nexus_ansible.cli.running import (
        approve,
        environment_of,
        permit_for,
        plan_for,
        prepare,
        run_and_tell,
        workflow_of,
    )
    from nexus_ansible.run.plan import chosen_steps
    from nexus_ansible.run.session import Request

    prepared = prepare(project)
    chosen = workflow_of(prepared, workflow)
    where = environment_of(prepared, chosen, environment)
    permit = permit_for(prepared, chosen, where, reason, read_only=check)
    plan = plan_for(prepared, chosen, where, limit, chosen_steps(chosen, step, from_step))
    approval = approve(permit, plan, yes=yes)
    request = Request(plan, permit, reason, approval, check=check, verbosity=verbose)
    run_and_tell(project, prepared, request, as_json=as_json)
