# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible down`."""

from __future__ import annotations

import click

from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, project_option, reason_option
from nexus_ansible.project import Project


@click.command(cls=MovableCommand, epilog="Example: nexus-ansible down staging --remove-data")
@click.argument("environment", metavar="ENV")
@click.option("--remove-data", is_flag=True, help="Remove databases and everything else the environment stored, too.")
@reason_option
@click.option("--yes", is_flag=True, help="Approve a restricted action yourself, without being asked.")
@project_option
@json_option
def command(project: Project, environment: str, remove_data: bool, reason: str, yes: bool, as_json: bool) -> None:
    """Take an environment down: no process and no open port is left. Data stays unless you say otherwise."""
    from nexus_ansible.cli.running import (
        approve,
        environment_of,
        permit_for,
        prepare,
        run_and_tell,
        workflow_of,
    )
    from nexus_ansible.run.plan import make_plan
    from nexus_ansible.run.session import Request

    prepared = prepare(project)
    workflow = workflow_of(prepared, "platform.down")
    environment_of(prepared, workflow, environment)
    permit = permit_for(prepared, workflow, environment, reason)
    arguments = {"deployment_remove_data": True} if remove_data else {}
    plan = make_plan(prepared.manifest, workflow, environment, arguments=arguments)
    request = Request(plan, permit, reason, approve(permit, plan, yes=yes))
    run_and_tell(project, prepared, request, as_json=as_json)
