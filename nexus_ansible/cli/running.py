# SPDX-License-Identifier: Apache-2.0
"""What plan, apply, run, resume, status and down have in common: compile, gate, approve, run, tell."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from nexus_ansible.cli.options import notice, print_json
from nexus_ansible.cli.progress import Silent, progress_for
from nexus_ansible.compile.manifest import Manifest, read_manifest
from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.compile.write import apply_changes
from nexus_ansible.errors import NexusError, OutputError, RefusedError
from nexus_ansible.model.platform import Platform, Workflow
from nexus_ansible.project import Project
from nexus_ansible.registries.problems import unknown
from nexus_ansible.registries.registry_set import Registries, as_seen_by
from nexus_ansible.run.crashed import close_crashed
from nexus_ansible.run.gate import Permit, action_of, admit, this_person
from nexus_ansible.run.plan import Plan, chosen_hosts, make_plan
from nexus_ansible.run.session import Request, Result, execute
from nexus_ansible.run.state import RunStore


@dataclass(frozen=True)
class Prepared:
    """A project that is ready to run: checked, compiled, and on disk as the manifest says."""

    registries: Registries
    platform: Platform
    manifest: Manifest


def prepare(project: Project) -> Prepared:
    """Close what crashed, check the registries, and bring the compiled files up to date.

    Raises RefusedError, InvalidRegistriesError, or DriftError when somebody edited a compiled file.
    """
    _require_literal_path(project.root)
    for state in close_crashed(project):
        notice(f"Run {state.run} had crashed; it is closed. Go on with it: nexus-ansible resume {state.run}")
    checked = check_project(project)
    if checked.is_current(project.root):
        return Prepared(checked.registries, checked.platform, read_manifest(project.root))
    compilation = compile_project(checked)
    pending = compilation.changes(project.root)
    apply_changes(project.root, pending, compilation.manifest)
    if pending:
        notice(f"compiled: {len(pending)} of {len(compilation.files)} files changed")
    return Prepared(checked.registries, checked.platform, compilation.manifest)


def _require_literal_path(root: Path) -> None:
    """Refuse a path that Ansible does not take as it stands: it puts values in place of variables and templates."""
    if os.path.expandvars(root) != str(root) or any(mark in str(root) for mark in ("{{", "{%", "{#")):
        raise RefusedError(
            f"{root}: Ansible takes a part of this path for a variable or a template.\n"
            "  Move the project to a directory without $ and curly brackets in its name."
        )


def workflow_of(prepared: Prepared, name: str) -> Workflow:
    """A workflow by name. Raises RefusedError with the closest name."""
    workflows = prepared.platform.workflows
    if name not in workflows:
        raise RefusedError("\n  ".join(unknown("workflow", name, workflows)))
    return workflows[name]


def environment_of(prepared: Prepared, workflow: Workflow, environment: str | None) -> str:
    """The environment to run in: the workflow's own, else the one named, else the only one. Raises RefusedError."""
    known = prepared.platform.environments
    wanted = environment or workflow.environment or (next(iter(known)) if len(known) == 1 else None)
    if wanted is None:
        raise RefusedError(f"{workflow.name} runs in any environment.\n  Name one: --env {'|'.join(known)}")
    if wanted not in known:
        raise RefusedError("\n  ".join(unknown("environment", wanted, known)))
    if workflow.environment not in {None, wanted}:
        raise RefusedError(f"{workflow.position}: {workflow.name} belongs to {workflow.environment}, not to {wanted}.")
    return wanted


def plan_for(prepared: Prepared, workflow: Workflow, environment: str, limit: str, steps: tuple[str, ...]) -> Plan:
    """A plan for the hosts of a limit. Raises RefusedError for names that the environment does not have."""
    hosts = chosen_hosts(prepared.platform.environments[environment], limit)
    return make_plan(prepared.manifest, workflow, environment, hosts, steps)


def permit_for(
    prepared: Prepared, workflow: Workflow, environment: str, reason: str = "", *, read_only: bool = False
) -> Permit:
    """What the gate says to the person at the keyboard. Raises RefusedError."""
    action = "read" if read_only else action_of(workflow, environment)
    view = as_seen_by(prepared.registries, environment)
    return admit(prepared.platform.authorization[environment], view, this_person(), action, reason)


def approve(permit: Permit, plan: Plan, *, yes: bool) -> Mapping[str, Any] | None:
    """Ask for the approval that a restriction wants; on one's own shell one can only approve oneself.

    Raises RefusedError when nobody can be asked, click.Abort when the answer is no.
    """
    if not permit.needs_approval:
        return None
    if not yes:
        if not sys.stdin.isatty():
            raise RefusedError(f"{permit.needs_approval}.\n  There is no terminal to ask on: approve with --yes.")
        click.echo(f"{permit.needs_approval}.", err=True)
        click.confirm(
            f"Run {plan.workflow} in {plan.environment}, plan {plan.id}, and approve it yourself?", abort=True, err=True
        )
    return {
        "kind": "self-approved",
        "by": permit.person.name,
        "rule": permit.needs_approval,
        "with": "--yes" if yes else "prompt",
    }


def run_and_tell(project: Project, prepared: Prepared, request: Request, *, as_json: bool) -> Result:
    """Run, show progress, print the result. Raises the error of a run that did not end well."""
    result, _ = execute_with_progress(project, prepared, request, as_json=as_json)
    try:
        result.raise_for_outcome()
    except NexusError as error:
        if as_json:
            with suppress(OSError, OutputError):  # how the run ended counts for more than that nobody reads it
                print_json(result_as_json(result))
            raise click.exceptions.Exit(error.exit_code) from error
        raise
    if as_json:
        print_json(result_as_json(result))
    else:
        click.echo(summary(result))
    return result


def result_as_json(result: Result) -> dict[str, Any]:
    """A run for machines."""
    data = asdict(result.state)
    data.pop("process")
    return {**data, "failures": result.failures, "discrepancies": result.outcome.discrepancies, "status": result.status}


def summary(result: Result) -> str:
    """A run in one line, worded like Ansible's recap."""
    state = result.state
    numbers = " ".join(f"{what}={state.counts.get(what, 0)}" for what in ("ok", "changed", "failed", "skipped"))
    head = f"{state.workflow} in {state.environment}: {state.outcome} in {state.duration:.1f} s"
    return f"{head}, {numbers}, run {state.run}, plan {state.plan}"


def deployment_of(prepared: Prepared, environment: str) -> Workflow:
    """The workflow that deploys an environment. Raises RefusedError."""
    known = prepared.platform.environments
    if environment not in known:
        raise RefusedError("\n  ".join(unknown("environment", environment, known)))
    for workflow in prepared.platform.workflows.values():
        if workflow.family == "deployment" and workflow.environment == environment:
            return workflow
    raise RefusedError(
        f'{known[environment].position}: no workflow deploys "{environment}".\n'
        f"  Add automation.workflows.deployment.{environment}, or `environment: {environment}` to a variant."
    )


def execute_with_progress(
    project: Project, prepared: Prepared, request: Request, *, as_json: bool
) -> tuple[Result, list[dict[str, Any]]]:
    """Run, show progress, and collect the messages of tasks and results."""
    messages: list[dict[str, Any]] = []
    plan = request.plan
    steps = plan.steps or tuple(step.name for step in prepared.platform.workflows[plan.workflow].steps)
    policies = prepared.platform.policies[plan.environment]
    chatty = request.verbosity > 0 or policies.log_level == "DEBUG"
    last = RunStore(project).last_success(plan.workflow, plan.environment) if policies.compare_durations else None
    progress = (
        Silent()
        if as_json
        else progress_for(steps, last, plain=chatty, failures_only=policies.log_level in {"WARNING", "ERROR"})
    )

    def observe(message: dict[str, Any]) -> None:
        with suppress(OSError):  # a terminal that is gone is no reason to stop
            progress(message)
        if message["event"] in {"task", "result"}:
            messages.append(message)

    try:
        return execute(project, prepared.platform, request, observe, notice if chatty else None), messages
    finally:
        with suppress(OSError):
            progress.close()


def changed_tasks(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks that changed something, or would: host, step, task and the diff as text."""
    names = {message["uuid"]: message["name"] for message in messages if message["event"] == "task"}
    return [
        {
            "host": message["host"],
            "step": message["step"],
            "task": names.get(message["task"], ""),
            "diff": diff_of(message["result"].get("diff")),
        }
        for message in messages
        if message["event"] == "result" and message["changed"]
    ]


def diff_of(diff: Any) -> str:
    """Ansible's diff of a result as text: prepared by the module, or made from before and after."""
    import difflib
    import json

    parts = diff if isinstance(diff, list) else [diff] if diff else []
    lines: list[str] = []
    for part in parts:
        if not isinstance(part, dict):
            continue
        if part.get("prepared"):
            lines += str(part["prepared"]).splitlines()
            continue
        before, after = (
            value if isinstance(value := part.get(key, ""), str) else json.dumps(value, indent=1, sort_keys=True)
            for key in ("before", "after")
        )
        changes = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
        lines += [line for line in changes if not line.startswith(("---", "+++", "@@"))]
    return "\n".join(lines)
