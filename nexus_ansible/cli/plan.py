# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nexus_ansible.cli.elsewhere import MovableCommand
from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.project import Project

if TYPE_CHECKING:
    from nexus_ansible.model.platform import Environment


@click.command(cls=MovableCommand, epilog="Example: nexus-ansible plan production --limit backend")
@click.argument("environment", metavar="ENV")
@click.option("--limit", default="", metavar="HOSTS", help="Only these services or instances.")
@click.option("--step", multiple=True, metavar="STEP", help="Only this step; can be given several times.")
@click.option("--from-step", metavar="STEP", help="This step and those after it.")
@click.option("--static", is_flag=True, help="Tell only what would run; touch no host.")
@project_option
@json_option
def command(
    project: Project,
    environment: str,
    limit: str,
    step: tuple[str, ...],
    from_step: str | None,
    static: bool,
    as_json: bool,
) -> None:
    """Show what `apply` would run, and what it would change, told by Ansible's check mode.

    The plan's id binds registries, compiled files, limit and steps: `apply --plan ID` runs exactly that.
    """
    from nexus_ansible.cli.running import (
        changed_tasks,
        deployment_of,
        execute_with_progress,
        permit_for,
        plan_for,
        prepare,
    )
    from nexus_ansible.run.plan import chosen_steps, save_plan
    from nexus_ansible.run.session import Request

    prepared = prepare(project)
    workflow = deployment_of(prepared, environment)
    permit = permit_for(prepared, workflow, environment, read_only=True)
    plan = plan_for(prepared, workflow, environment, limit, chosen_steps(workflow, step, from_step))
    save_plan(project, plan)
    where = prepared.platform.environments[environment]
    names = plan.steps or tuple(known.name for known in workflow.steps)
    data: dict[str, Any] = {
        "plan": plan.id,
        "workflow": workflow.name,
        "environment": environment,
        "steps": list(names),
        "machines": _by_machine(where),
        "waves": [{service: where.services[service].scaling.min_replicas for service in wave} for wave in where.waves],
    }
    if not as_json:
        click.echo(f"plan {plan.id}: {workflow.name} in {environment}")
        click.echo(f"  steps: {', '.join(names)}")
        for number, wave in enumerate(data["waves"], start=1):
            click.echo(f"  wave {number}: " + ", ".join(f"{service} x{count}" for service, count in wave.items()))
        if where.discovery:
            click.echo("  machines: discovered by each run")
        if len(where.machines) > 1:
            for machine, names_there in data["machines"].items():
                click.echo(f"  {machine}: {', '.join(names_there) or 'nothing'}")
    if not static:
        result, messages = execute_with_progress(project, prepared, Request(plan, permit, check=True), as_json=as_json)
        data["changes"] = changed_tasks(messages)
        data["run"] = result.state.run
        if not as_json:
            _tell(data["changes"])
        if as_json:
            print_json(data)
        result.raise_for_outcome()
    elif as_json:
        print_json(data)


def _by_machine(environment: Environment) -> dict[str, list[str]]:
    """Names of the instances that each machine is to have; none where machines are discovered only by a run."""
    found: dict[str, list[str]] = {name: [] for name in environment.machines}
    for instance in environment.instances:
        if instance.machine:
            found[instance.machine].append(instance.name)
    return found


def _tell(changes: list[dict[str, Any]]) -> None:
    if not changes:
        click.echo("  nothing would change")
        return
    click.echo(f"  {len(changes)} changes:")
    for change in changes:
        click.echo(f"    {change['step']} | {change['host']} | {change['task']}")
        for line in change["diff"].splitlines():
            click.echo(click.style(f"      {line}", fg={"+": "green", "-": "red"}.get(line[:1])))
