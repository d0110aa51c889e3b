# SPDX-License-Identifier: Apache-2.0
"""Where a run that did not end well goes on."""

from __future__ import annotations

from nexus_ansible.ledger.reading import read
from nexus_ansible.model.platform import Workflow
from nexus_ansible.project import Project
from nexus_ansible.run.state import RunState


def remaining_steps(project: Project, state: RunState, workflow: Workflow) -> tuple[str, ...]:
    """The step at which a run stopped and those after it, as the workflow has them now.

    The steps of a parallel stage run side by side, so the whole stage is run again. A run that stopped before its first
    step begins anew.
    """
    names = list(state.steps) or [step.name for step in workflow.steps]
    stopped = state.failed_step or _last_step(project, state.run)
    if stopped not in names:
        return tuple(names)
    stage = next((stage for stage in workflow.stages if stopped in {step.name for step in stage.steps}), None)
    if stage is not None and stage.parallel:
        stopped = next(step.name for step in stage.steps if step.name in names)
    return tuple(names[names.index(stopped) :])


def _last_step(project: Project, run: str) -> str:
    """The last step of which the ledger holds a task."""
    last = ""
    for entry in read(project.ledger):
        if entry.record.get("run") == run and entry.record.get("step"):
            last = str(entry.record["step"])
    return last
