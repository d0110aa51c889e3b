# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible resume`."""

from __future__ import annotations

import click

from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, notice, project_option, reason_option
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import Project


@click.command(cls=MovableCommand, epilog="Example: nexus-ansible resume 20250127-123000-4f2a9c")
@click.argument("run", metavar="RUN")
@reason_option
@click.option("--yes", is_flag=True, help="Approve a restricted action yourself, without being asked.")
@project_option
@json_option
def command(project: Project, run: str, reason: str, yes: bool, as_json: bool) -> None:
    """Go on with a run at the step where it failed, was cancelled or crashed.

    RUN is a run's id, or the beginning of it. The steps before it are not run again.
    """
    from nexus_ansible.cli.running import (
        approve,
        environment_of,
        permit_for,
        plan_for,
        prepare,
        run_and_tell,
        workflow_of,
    )
    from nexus_ansible.run.resume import remaining_steps
    from nexus_ansible.run.session import Request
    from nexus_ansible.run.state import RunStore

    prepared = prepare(project)
    state = RunStore(project).load(run)
    if state.outcome in {"ok", "running"}:
        raise RefusedError(f"Run {state.run} is {state.outcome}; there is nothing to go on with.")
    workflow = workflow_of(prepared, state.workflow)
    steps = remaining_steps(project, state, workflow)
    reason = reason or state.reason
    environment = environment_of(prepared, workflow, state.environment)
    permit = permit_for(prepared, workflow, environment, reason, read_only=state.check)
    plan = plan_for(prepared, workflow, environment, state.limit, steps)
    approval = approve(permit, plan, yes=yes)
    if not as_json:
        notice(f"resuming {state.run} at {steps[0]}: {', '.join(steps)}")
    request = Request(plan, permit, reason, approval, check=state.check, resumes=state.run)
    run_and_tell(project, prepared, request, as_json=as_json)
