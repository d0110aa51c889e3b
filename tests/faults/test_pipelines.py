# SPDX-License-Identifier: Apache-2.0
"""Every workflow and pipeline of the example registries: what is built works, and what is not says so and fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.faults.command import nexus, records, said_plainly
from tests.faults.example import Example
from tests.servers.playbook import REPOSITORY

BUILT = {
    "pipeline.ci": ["ssot_validation", "linting", "unit_tests", "build_frontend", "build_backend"],
    "pipeline.cd.production": [
        "validate_environment",
        "check_dependencies",
        "deploy_services",
        "health_check",
        "smoke_tests",
    ],
    "pipeline.cd.staging": ["deploy_services", "run_tests"],
    "monitoring.health_check": ["check_services"],
}


def steps_of(data: Any) -> list[str]:
    """Names of the steps of a variant or of its stages."""
    if "stages" in data:
        return [step for stage in data["stages"] for step in stage["steps"]]
    return list(data["steps"])


def compiled_workflows() -> Iterator[tuple[str, list[str]]]:
    """(name, steps) of everything in the two registries but deployments, which other tests run."""
    ssot = REPOSITORY / "config" / "ssot"
    families = yaml.safe_load((ssot / "automation_registry.yaml").read_text())["automation"]["workflows"]
    pipelines = yaml.safe_load((ssot / "pipeline_registry.yaml").read_text())["pipelines"]
    for family, variants in families.items():
        if family != "deployment":
            yield from ((f"{family}.{variant}", steps_of(data)) for variant, data in variants.items())
    for name, data in pipelines.items():
        if "stages" in data:
            yield f"pipeline.{name}", steps_of(data)
        else:
            yield from ((f"pipeline.{name}.{variant}", steps_of(more)) for variant, more in data.items())


WORKFLOWS = dict(compiled_workflows())
UNBUILT = [(name, step) for name, steps in WORKFLOWS.items() for step in steps if step not in BUILT.get(name, ())]


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """The example registries, with nothing deployed."""
    return Example.make(tmp_path_factory.mktemp("idle") / "project")


def run(example: Example, workflow: str, *steps: str, check: int) -> str:
    """Run some steps of a workflow and require a code; returns what was told."""
    environment = () if workflow.startswith("pipeline.cd.") else ("--env", "production")
    chosen = [option for step in steps for option in ("--step", step)]
    done = nexus(example.root, "run", workflow, *environment, *chosen, "--yes")
    assert said_plainly(done, check)
    return done.stderr


@pytest.mark.parametrize(("workflow", "step"), UNBUILT, ids=[f"{name} {step}" for name, step in UNBUILT])
def test_a_step_that_is_not_built_fails_with_one_sentence(idle: Example, workflow: str, step: str) -> None:
    told = run(idle, workflow, step, check=6)
    assert f"The step {step} of {workflow} is not built yet: take it out of the registry, or give it" in told
    ended = records(idle.root)[-1]
    assert (ended["kind"], ended["outcome"], ended["workflow"]) == ("run_ended", "failed", workflow)
    assert not (idle.root / ".nexus" / "production").exists()


def test_every_step_that_is_named_as_built_is_a_step() -> None:
    assert all(set(steps) <= set(WORKFLOWS[name]) for name, steps in BUILT.items())
    assert len(UNBUILT) >= 25
