# SPDX-License-Identifier: Apache-2.0
"""A workflow as an Ansible playbook: one play for each step, wave and batch, in one process."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.catalog import StepPlay
from nexus_ansible.compile.literal import literal
from nexus_ansible.compile.render import quoted, template
from nexus_ansible.model.platform import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.compile.catalog import Catalog
    from nexus_ansible.model.platform import Environment, Platform, Stage, Step, Workflow
    from nexus_ansible.registries.problems import Position


LONGEST_LINE = 160
"""What ansible-lint allows; values of the registries are never broken."""


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
    """One play of a compiled playbook. `kind` names the block of the template that renders its tasks.

    `limit` is the YAML text of the seconds that each of its tasks may take.
    """

    kind: str
    title: str
    hosts: str
    tags: tuple[str, ...]
    position: Position
    actions: tuple[Action, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    limit: str | None = None
    ignore_unreachable: bool = False


def compile_playbook(platform: Platform, workflow: Workflow, catalog: Catalog) -> str:
    """The text of a workflow's playbook."""
    plays = list(_plays(platform, workflow, catalog))
    text = template("playbook.yml.j2").render(workflow=workflow, plays=plays)
    if max(map(len, text.splitlines())) > LONGEST_LINE:
        text = text.replace("---\n", "---\n# yamllint disable rule:line-length\n", 1)
    return text


def _title(workflow: Workflow) -> str:
    return workflow.name.replace(".", " ").capitalize()


def _plays(platform: Platform, workflow: Workflow, catalog: Catalog) -> Iterator[Play]:
    if _is_marked(platform, workflow):
        title = f"{_title(workflow)} | mark"
        yield Play("marker", title, "machines", ("always",), workflow.position, (), {"workflow": workflow.name})
    if workflow.timeout is not None:
        title, seconds = f"{_title(workflow)} | start", _whole(workflow.timeout)
        yield Play("clock", title, "control", ("always",), workflow.position, (), {"seconds": seconds})
    for stage in workflow.stages:
        if stage.parallel:
            yield from _parallel(workflow, stage, catalog)
            continue
        for step in stage.steps:
            yield from _step_plays(platform, workflow, stage, step, catalog)


def _is_marked(platform: Platform, workflow: Workflow) -> bool:
    """Whether any environment that the workflow can run in wants its runs marked in the machines' own logs."""
    environments = [workflow.environment] if workflow.environment else list(platform.environments)
    return any(platform.policies[name].syslog_marker for name in environments)


def _whole(seconds: float) -> int:
    """Ansible's time limits are whole seconds, and 0 would be none."""
    return math.ceil(seconds)


def _limit(workflow: Workflow, seconds: int | str) -> str:
    """A time limit (a number, or a Jinja expression) as YAML; no more than what is left of the workflow's own.

    What is left is rounded up: whoever supervises the run ends it at its limit, and tells that from a task's.
    """
    if workflow.timeout is None:
        return str(seconds) if isinstance(seconds, int) else quoted(f"{{{{ {seconds} }}}}")
    left = "hostvars['localhost']['nexus_deadline'] | float - now(utc=true).timestamp()"
    return quoted(f"{{{{ [[{seconds}, ({left})] | min, 1] | max | round(0, 'ceil') | int }}}}")


def _step_plays(platform: Platform, workflow: Workflow, stage: Stage, step: Step, catalog: Catalog) -> Iterator[Play]:
    role = catalog.find(step.role)
    placement = role.placement(step.entry_point) if role and not step.command else None
    plays = placement.plays if placement else (StepPlay("control", step.entry_point),)
    if step.hosts is not None:
        plays = (StepPlay(step.hosts, step.entry_point),)
    undo = role.placement(placement.on_failure) if role and placement and placement.on_failure else None
    for play in plays:
        action = replace(_action(workflow, step, play.entry_point, catalog), rollback=undo is not None)
        for compiled in _on_hosts(platform, workflow, stage, step, play.hosts, action):
            yield replace(compiled, ignore_unreachable=play.ignore_unreachable)
    if undo is None:
        return
    for play in undo.plays:
        action = _action(workflow, step, play.entry_point, catalog)
        for compiled in _on_hosts(platform, workflow, stage, step, play.hosts, action):
            hosts = compiled.hosts if play.hosts == "control" else f"{compiled.hosts}:&rollback"
            yield replace(compiled, title=f"{compiled.title} | undo", hosts=hosts)
    yield Play("verdict", f"{_title(workflow)} | {step.name} | verdict", "control", (step.name,), step.position)


def _action(workflow: Workflow, step: Step, entry_point: str, catalog: Catalog) -> Action:
    role = catalog.find(step.role)
    retry = workflow.retry
    if step.retries is not None:
        retry = Retry("linear" if retry.policy == "none" else retry.policy, step.retries, retry.delay)
    return Action(
        title=step.name.replace("_", " ").capitalize(),
        role=role.name if role else "",
        entry_point=entry_point,
        command=tuple(literal(word) for word in step.command),
        arguments={name: literal(value) for name, value in step.arguments.items()},
        retry=replace(retry, delay=_whole(retry.delay)),
        position=step.position,
    )


def _on_hosts(
    platform: Platform, workflow: Workflow, stage: Stage, step: Step, hosts: str, action: Action
) -> Iterator[Play]:
    """The plays of a step on its hosts: one, or one for each wave and batch of a rollout."""
    play = Play(
        kind="actions",
        title=f"{_title(workflow)} | {stage.name + ' | ' if stage.name else ''}{step.name}",
        hosts=hosts.replace("-", "_"),
        tags=(step.name,),
        position=step.position,
        actions=(action,),
        variables={"nexus_workflow": workflow.name, "nexus_step": step.name, "nexus_source": str(step.position)},
        limit=_limit(workflow, _whole(step.timeout or stage.timeout or workflow.task_timeout)),
    )
    if hosts != "rollout":
        yield play if hosts == "control" else replace(play, title=f"{play.title} | {hosts}")
        return
    for wave, batches in enumerate(_batches(platform, workflow), start=1):
        for batch in range(1, batches + 1):
            yield replace(
                play,
                title=f"{play.title} | wave {wave}, batch {batch}",
                hosts=f"wave_{wave}:&batch_{batch}",
                variables={**play.variables, "nexus_wave": wave, "nexus_batch": batch},
            )


def _batches(platform: Platform, workflow: Workflow) -> list[int]:
    """Number of batches in each wave; the most of any environment where the workflow belongs to none."""
    environments = list(platform.environments.values())
    if workflow.environment is not None:
        environments = [platform.environments[workflow.environment]]
    counts = [_batches_of(environment) for environment in environments]
    return [max(wave) for wave in zip_longest(*counts, fillvalue=0)]


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
    yield Play(
        kind="parallel",
        title=f"{prefix} | steps",
        hosts=group,
        tags=names,
        position=stage.position,
        actions=tuple(
            replace(_action(workflow, step, step.entry_point, catalog), only_on=step.name) for step in stage.steps
        ),
        variables={
            "nexus_workflow": workflow.name,
            "nexus_step": "{{ inventory_hostname }}",
            "nexus_source": str(stage.position),
        },
        limit=_limit(workflow, _parallel_limit(workflow, stage)),
    )
    yield Play("joined", f"{prefix} | result", "control", names, stage.position, (), {"group": group})


def _parallel_limit(workflow: Workflow, stage: Stage) -> int | str:
    """The time limit of a stage's tasks; steps with limits of their own are told apart by their hosts."""
    common = _whole(stage.timeout or workflow.task_timeout)
    own = {step.name: _whole(step.timeout) for step in stage.steps if step.timeout is not None}
    return f"{own}[inventory_hostname] | default({common})" if own else common
