# SPDX-License-Identifier: Apache-2.0
"""Workflows and pipelines: two spellings of one thing, stages of typed steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.model.platform import Retry, Stage, Step, Workflow
from nexus_ansible.model.units import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.registry_set import Registries

POLICIES = ("automation", "policies", "execution")
PLATFORM = "platform"
OPERATIONS = {"status": ("status", "Tell how the instances are"), "down": ("remove", "Take the environment down")}
"""Workflows that every project has: `platform.NAME`, with the step of the role `deployment` that does it."""


def file_stem(workflow: str) -> str:
    """Name of a workflow's playbook without its extension: `pipeline.cd.production` -> `pipeline_cd_production`."""
    return workflow.replace(".", "_").replace("-", "_")


def workflow_paths(registries: Registries) -> Iterator[tuple[str, str, str, KeyPath]]:
    """(name, family, variant, path) of every workflow and pipeline. A pipeline without variants has variant ""."""
    for family, variants in registries.get(("automation", "workflows"), {}).items():
        for variant in variants:
            yield f"{family}.{variant}", family, variant, ("automation", "workflows", family, variant)
    for family, data in registries.get(("pipelines",), {}).items():
        if "stages" in data:
            yield f"pipeline.{family}", family, "", ("pipelines", family)
        else:
            for variant in data:
                yield f"pipeline.{family}.{variant}", family, variant, ("pipelines", family, variant)


def operations(registries: Registries) -> Iterator[Workflow]:
    """The workflows that every project has."""
    position = registries.at(("orchestration", "services"), key=True)
    for name, (entry_point, description) in OPERATIONS.items():
        step = Step(entry_point, "deployment", entry_point, (), {}, None, None, None, position)
        yield Workflow(
            name=f"{PLATFORM}.{name}",
            family=PLATFORM,
            environment=None,
            description=description,
            triggers=("manual",),
            stages=(Stage("", (step,), parallel=False, timeout=None, position=position),),
            timeout=None,
            task_timeout=seconds(registries.get(POLICIES, {}).get("timeout_default", 300)),
            retry=Retry("none", 0, 0.0),
            schedule=None,
            interval=None,
            retention=None,
            position=position,
        )


def build_workflow(registries: Registries, name: str, family: str, path: KeyPath, environment: str | None) -> Workflow:
    """A workflow with every default filled in."""
    data: Mapping[str, Any] = registries.get(path)
    policies: Mapping[str, Any] = registries.get(POLICIES, {})
    policy = data.get("retry_policy", "none")
    return Workflow(
        name=name,
        family=family,
        environment=environment,
        description=data.get("description", ""),
        triggers=tuple(data.get("triggers", ("manual",))),
        stages=tuple(_stages(registries, data, path, data.get("role", family))),
        timeout=_optional_seconds(data.get("timeout")),
        task_timeout=seconds(policies.get("timeout_default", 300)),
        retry=Retry(
            policy,
            policies.get("max_retries", 3) if policy != "none" else 0,
            seconds(policies.get("retry_delay", "2s")),
        ),
        schedule=data.get("schedule"),
        interval=_optional_seconds(data.get("interval")),
        retention=_optional_seconds(data.get("retention")),
        position=registries.at(path, key=True),
    )


def _stages(registries: Registries, data: Mapping[str, Any], path: KeyPath, role: str) -> Iterator[Stage]:
    if "stages" not in data:
        steps = _steps(registries, data["steps"], (*path, "steps"), role)
        yield Stage("", tuple(steps), parallel=False, timeout=None, position=registries.at(path, key=True))
        return
    for index, stage in enumerate(data["stages"]):
        here = (*path, "stages", index)
        yield Stage(
            name=stage["name"],
            steps=tuple(_steps(registries, stage["steps"], (*here, "steps"), role)),
            parallel=stage.get("parallel", False),
            timeout=_optional_seconds(stage.get("timeout")),
            position=registries.at(here),
        )


def _steps(registries: Registries, steps: list[Any], path: KeyPath, role: str) -> Iterator[Step]:
    for index, step in enumerate(steps):
        here = (*path, index)
        data: Mapping[str, Any] = {"name": step} if isinstance(step, str) else step
        arguments = data.get("with", {})
        yield Step(
            name=data["name"],
            role="" if "command" in data else data.get("role", role),
            entry_point=data.get("tasks_from", data["name"]),
            command=tuple(data.get("command", ())),
            arguments=arguments,
            hosts=data.get("hosts"),
            timeout=_optional_seconds(data.get("timeout")),
            retries=data.get("retry"),
            position=registries.at(here),
            argument_positions={name: registries.at((*here, "with", name), key=True) for name in arguments},
        )


def _optional_seconds(value: str | int | None) -> float | None:
    return None if value is None else seconds(value)
