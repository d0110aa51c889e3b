# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible apply`."""

from __future__ import annotations

import click

from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, project_option, run_options
from nexus_ansible.project import Project


@click.command(
    cls=MovableCommand, epilog='Example: nexus-ansible apply production --plan 3f2a9c41d07b --reason "release 1.4"'
)
@click.argument("environment", metavar="ENV")
@click.option("--plan", "wanted", metavar="ID", help="Run exactly this plan; a stale one is refused.")
@run_options
@project_option
@json_option
def command(
    project: Project,
    environment: str,
    wanted: str | None,
    limit: str,
    step: tuple[str, ...],
    from_step: str | None,
    check: bool,
    reason: str,
    yes: bool,
    verbose: int,
    as_json: bool,
) -> None:
    """Deploy an environment: validate, build, test, deploy wave after wave, verify.

    A second apply changes nothing. What it did is in the ledger: nexus-ansible audit log.
    """
    from nexus_ansible.cli.running import approve, deployment_of, permit_for, plan_for, prepare, run_and_tell
    from nexus_ansible.compile.runners import find_runner
    from nexus_ansible.run.plan import chosen_steps, require_plan
    from nexus_ansible.run.session import Request

    prepared = prepare(project)
    workflow = deployment_of(prepared, environment)
    permit = permit_for(prepared, workflow, environment, reason, read_only=check)
    plan = plan_for(prepared, workflow, environment, limit, chosen_steps(workflow, step, from_step))
    if wanted:
        require_plan(project, wanted, plan)
    approval = approve(permit, plan, yes=yes or check)
    request = Request(plan, permit, reason, approval, check=check, verbosity=verbose)
    run_and_tell(project, prepared, request, as_json=as_json)
    if not as_json:
        where = prepared.platform.environments[environment]
        for address in find_runner(where.runner).addresses(where):
            click.echo(address)
