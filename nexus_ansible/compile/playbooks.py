# SPDX-License-Identifier: Apache-2.0
"""A workflow as an Ansible playbook: one play for each step, wave and batch, in one process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nexus_ansible.compile.catalog import Catalog, StepPlay
from nexus_ansible.compile.inventory import with_secrets
from nexus_ansible.compile.render import template
from nexus_ansible.model.platform import Environment, Platform, Retry, Stage, Step, Workflow
from nexus_ansible.registries.problems import Position


@dataclass(frozen=True)
class Action:
    """What a play does: include an entry point of a role, or run a command."""

    title: str
    role: str
    entry_point: str
    command: tuple[str, ...]
    arguments: Mapping[str, Any]
    retry: Retry
    position: Position
    only_on: str | None = None
    rollback: bool = False


@dataclass(frozen=True)
class Play:
    """One play of a compiled playbook. `kind` names the block of the template that renders its tasks."""

    kind: str
    title: str
    hosts: str
    tags: tuple[str, ...]
    position: Position
    actions: tuple[Action, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None


def compile_playbook(platform: Platform, workflow: Workflow, catalog: Catalog) -> str:
    """The text of a workflow's playbook."""
    return template("playbook.yml.j2").render(
        workflow=workflow,
        title=_title(workflow),
        plays=list(_plays(platform, workflow, catalog)),
        time_left=_time_left(workflow),
    )


def _title(workflow: Workflow) -> str:
    return workflow.name.replace(".", " ").capitalize()


def _time_left(workflow: Workflow) -> str | None:
    """Jinja text for the seconds that the workflow's own time limit still allows."""
    if workflow.timeout is None:
        return None
    return "(hostvars['localhost']['nexus_deadline'] | float - now(utc=true).timestamp())"


def _plays(platform: Platform, workflow: Workflow, catalog: Catalog) -> Iterator[Play]:
    title = _title(workflow)
    if workflow.timeout is not None:
        variables = {"seconds": int(workflow.timeout)}
        yield Play("clock", f"{title} | start", "control", ("always",), workflow.position, (), variables)
    for stage in workflow.stages:
        if stage.parallel:
            yield from _parallel(workflow, stage, catalog)
            continue
        for step in stage.steps:
            yield from _step_plays(platform, workflow, stage, step, catalog)


def _step_plays(
    platform: Platform, workflow: Workflow, stage: Stage, step: Step, catalog: Catalog
) -> Iterator[Play]:
    role = catalog.find(step.role)
    placement = role.placement(step.entry_point) if role and not step.command else None
    plays = placement.plays if placement else (StepPlay("control", step.entry_point),)
    if step.hosts is not None:
        plays = (StepPlay(step.hosts, step.entry_point),)
    undo = role.placement(placement.on_failure) if role and placement and placement.on_failure else None
    for play in plays:
        action = _action(workflow, step, play.entry_point, catalog, undo is not None)
        yield from _on_hosts(platform, workflow, stage, step, play.hosts, action)
    if undo is None:
        return
    for play in undo.plays:
        action = _action(workflow, step, play.entry_point, catalog, undone=False)
        for compiled in _on_hosts(platform, workflow, stage, step, play.hosts, action):
            hosts = compiled.hosts if play.hosts == "control" else f"{compiled.hosts}:&rollback"
            yield Play(
                "actions", f"{compiled.title} | undo", hosts, compiled.tags, compiled.position,
                compiled.actions, compiled.variables, compiled.timeout,
            )
    yield Play("verdict", f"{_title(workflow)} | {step.name} | verdict", "control", (step.name,), step.position)


def _action(workflow: Workflow, step: Step, entry_point: str, catalog: Catalog, undone: bool) -> Action:
    role = catalog.find(step.role)
    retry = workflow.retry if step.retries is None else Retry(
        workflow.retry.policy if workflow.retry.policy != "none" else "linear", step.retries, workflow.retry.delay
    )
    return Action(
        title=step.name.replace("_", " ").capitalize(),
        role=role.name if role else "",
        entry_point=entry_point,
        command=tuple(with_secrets(word) for word in step.command),
        arguments={name: with_secrets(value) for name, value in step.arguments.items()},
        retry=retry,
        position=step.position,
        rollback=undone,
    )


def _on_hosts(
    platform: Platform, workflow: Workflow, stage: Stage, step: Step, hosts: str, action: Action
) -> Iterator[Play]:
    """The plays of a step on its hosts: one, or one for each wave and batch of a rollout."""
    prefix = f"{_title(workflow)} | {stage.name + ' | ' if stage.name else ''}{step.name}"
    timeout = step.timeout or stage.timeout or workflow.task_timeout
    base = {"nexus_workflow": workflow.name, "nexus_step": step.name, "nexus_source": str(step.position)}
    if hosts != "rollout":
        pattern = hosts.replace("-", "_")
        where = "" if hosts == "control" else f" | {hosts}"
        yield Play("actions", f"{prefix}{where}", pattern, (step.name,), step.position, (action,), base, timeout)
        return
    for wave, batches in enumerate(_batches(platform, workflow), start=1):
        for batch in range(1, batches + 1):
            yield Play(
                kind="actions",
                title=f"{prefix} | wave {wave}, batch {batch} of {batches}",
                hosts=f"wave_{wave}:&batch_{batch}",
                tags=(step.name,),
                position=step.position,
                actions=(action,),
                variables={**base, "nexus_wave": wave, "nexus_batch": batch},
                timeout=timeout,
            )


def _batches(platform: Platform, workflow: Workflow) -> list[int]:
    """Number of batches in each wave; the most of any environment where the workflow belongs to none."""
    if workflow.environment is not None:
        environments = [platform.environments[workflow.environment]]
    else:
        environments = list(platform.environments.values())
    counts: list[int] = []
    for environment in environments:
        for index, batches in enumerate(_batches_of(environment)):
            counts[index:] = [max(batches, *counts[index : index + 1]), *counts[index + 1 :]] if index < len(counts) else [batches]
    return counts


def _batches_of(environment: Environment) -> list[int]:
    wave_of = environment.wave_of()
    counts = [0] * len(environment.waves)
    for instance in environment.instances:
        wave = wave_of[instance.service] - 1
        counts[wave] = max(counts[wave], instance.batch)
    return counts


def _parallel(workflow: Workflow, stage: Stage, catalog: Catalog) -> Iterator[Play]:
    """A host for each step, and a play in which Ansible's own forks run them side by side."""
    prefix = f"{_title(workflow)} | {stage.name}"
    names = tuple(step.name for step in stage.steps)
    group = f"stage_{stage.name}"
    yield Play("hosts", f"{prefix} | hosts", "control", names, stage.position, (), {"names": names, "group": group})
    actions = []
    for step in stage.steps:
        action = _action(workflow, step, step.entry_point, catalog, undone=False)
        actions.append(Action(**{**action.__dict__, "only_on": step.name}))
    variables = {
        "nexus_workflow": workflow.name,
        "nexus_step": "{{ inventory_hostname }}",
        "nexus_source": str(stage.position),
    }
    timeout = stage.timeout or workflow.task_timeout
    yield Play("parallel", f"{prefix} | steps", group, names, stage.position, tuple(actions), variables, timeout)
    yield Play("joined", f"{prefix} | result", "control", names, stage.position, (), {"group": group})
