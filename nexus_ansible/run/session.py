# SPDX-License-Identifier: Apache-2.0
"""A run from the command to its closing record: gate, lock, ledger, Ansible."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.paths import inventory_source
from nexus_ansible.compile.runners import find_runner
from nexus_ansible.errors import LedgerIntegrityError, NexusError, RefusedError, RunError, RunTimeoutError
from nexus_ansible.model.platform import Environment, Platform, Workflow
from nexus_ansible.project import Project
from nexus_ansible.run.ansible import Invocation
from nexus_ansible.run.gate import Permit
from nexus_ansible.run.identity import RunIdentity
from nexus_ansible.run.lock import counted, locked
from nexus_ansible.run.plan import Plan
from nexus_ansible.run.redact import Redactor
from nexus_ansible.run.requirements import require_installed
from nexus_ansible.run.secrets import credentials, given_secrets, passwords_of_addresses, require_secrets
from nexus_ansible.run.state import RunState, RunStore, new_run_id, now_utc, this_process, timestamp
from nexus_ansible.run.supervise import Outcome, supervise

if TYPE_CHECKING:
    from nexus_ansible.run.recorder import Recorder  # loaded while Ansible starts, with the ledger

Observer = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Request:
    """What somebody asks for."""

    plan: Plan
    permit: Permit
    reason: str = ""
    approval: Mapping[str, Any] | None = None
    check: bool = False
    resumes: str = ""
    verbosity: int = 0


@dataclass(frozen=True)
class Result:
    """What came of it."""

    state: RunState
    outcome: Outcome
    failures: list[dict[str, Any]] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)

    def raise_for_outcome(self) -> None:
        """Raise the error that fits a run that did not end well; its message names host and cause."""
        if self.outcome.ledger_error is not None:
            raise LedgerIntegrityError(f"{self.outcome.message}\n{self.outcome.ledger_error}")
        if self.outcome.discrepancies:
            found = "\n".join(f"  {line}" for line in self.outcome.discrepancies)
            raise LedgerIntegrityError(
                f"Run {self.state.run}: the event stream of the run does not fit its records:\n{found}"
            )
        if self.outcome.outcome == "ok":
            return
        error: type[NexusError] = {"timeout": RunTimeoutError, "refused": RefusedError}.get(
            self.outcome.outcome, RunError
        )
        raise error(_story(self))


def _story(result: Result) -> str:
    state = result.state
    lines = [
        f"Run {state.run} {result.outcome.outcome}"
        + (f" at step {state.failed_step}" if state.failed_step else "")
        + "."
    ]
    lines += [f"  {failure['host']} | {failure['task']}: {failure['message']}" for failure in result.failures[-5:]]
    if result.outcome.message:
        lines.append(f"  {result.outcome.message}")
    if result.outcome.outcome != "refused":
        lines.append(f"  Go on there: nexus-ansible resume {state.run}. See it: nexus-ansible audit show {state.run}")
    return "\n".join(lines)


def execute(
    project: Project,
    model: Platform,
    request: Request,
    observe: Observer | None = None,
    tell: Callable[[str], None] | None = None,
) -> Result:
    """Run a plan. `observe` gets every message of the recorder, `tell` what Ansible prints, both without secrets.

    Raises RefusedError before anything is touched; everything later is in the result.
    """
    plan = request.plan
    workflow, policies = model.workflows[plan.workflow], model.policies[plan.environment]
    wanted = model.secrets[plan.environment]
    require_installed(project, model.environments[plan.environment])
    began = now_utc()
    run = new_run_id(began)
    project.make_state()
    with ExitStack() as stack:
        stack.enter_context(counted(project, policies.max_concurrent))
        if not request.check:
            services = _services(model.environments[plan.environment], plan.limit)
            stack.enter_context(locked(project, plan.environment, services, run, timestamp(began)))
        if changes_hosts(workflow):
            require_secrets(project, wanted)
        secrets = given_secrets(wanted)
        redactor = Redactor([*secrets.values(), *passwords_of_addresses(os.environ), *credentials(os.environ)])
        request = replace(request, reason=redactor.text(request.reason))
        looking = request.check or request.permit.action == "read"
        state = _first_state(request, run, timestamp(began), recorded=policies.audit_reads or not looking)
        RunStore(project).begin(state)

        def open_recorder() -> Recorder:
            return _open_recorder(stack, project, request, state, redactor, observe)

        def invocation(socket: Path) -> Invocation:
            return _invocation(project, request, model, run, socket)

        try:
            printed = (lambda text: tell(redactor.text(text))) if tell is not None else None
            recorder, outcome = supervise(run, invocation, open_recorder, secrets, workflow.timeout, printed)
        except NexusError as error:
            RunStore(project).end(replace(state, outcome="refused", ended=timestamp(now_utc()), message=str(error)))
            raise
        state = recorder.ended(state, outcome.outcome, outcome.message)
        if outcome.ledger_error is None:
            RunStore(project).end(state)
    return Result(state, outcome, recorder.failures, recorder.status)


def _open_recorder(
    stack: ExitStack, project: Project, request: Request, state: RunState, redactor: Redactor, observe: Observer | None
) -> Recorder:
    """A recorder that has recorded that the run begins. Raises LedgerIntegrityError."""
    from nexus_ansible.ledger.ledger import Ledger
    from nexus_ansible.run.recorder import Recorder, Unrecorded

    log = stack.enter_context(Ledger.open(project.ledger)) if state.recorded else Unrecorded()
    tasks_log = RunStore(project).directory(state.run) / "tasks.log"
    recorder = Recorder(log, _identity(request, state.run), redactor, tasks_log, observe)
    recorder.open()
    return recorder


def _invocation(project: Project, request: Request, model: Platform, run: str, socket: Path) -> Invocation:
    plan = request.plan
    policies, environment = model.policies[plan.environment], model.environments[plan.environment]
    return Invocation(
        run=run,
        root=project.root,
        playbook=project.root / plan.playbook,
        inventory=project.root / inventory_source(environment),
        socket=socket,
        limit=plan.limit,
        tags=plan.steps,
        check=request.check,
        extra_vars=plan.arguments,
        forks=policies.forks,
        fast=policies.strategy == "fast",
        verbosity=request.verbosity,
        passed=(*policies.pass_environment, *sorted(find_runner(environment.runner).passes)),
        cpus=math.ceil(policies.resources.get("cpu", 0)),
        memory=int(policies.resources.get("memory", 0)),
    )


def changes_hosts(workflow: Workflow) -> bool:
    """Whether a workflow deploys, and so needs every secret of the environment."""
    return workflow.family in {"deployment", "cd"}


def _services(environment: Environment, limit: str) -> list[str]:
    """Services that a limit stands for; none when it does not name services alone."""
    parts = [part for part in limit.replace(",", ":").split(":") if part]
    by_name = {service.group: name for name, service in environment.services.items()}
    by_name |= {instance.name: instance.service for instance in environment.instances}
    return [by_name[part] for part in parts] if parts and all(part in by_name for part in parts) else []


def _first_state(request: Request, run: str, started: str, *, recorded: bool) -> RunState:
    plan = request.plan
    return RunState(
        run=run,
        workflow=plan.workflow,
        environment=plan.environment,
        playbook=plan.playbook,
        started=started,
        process=this_process(),
        actor=request.permit.person.name,
        reason=request.reason,
        plan=plan.id,
        limit=plan.limit,
        steps=plan.steps,
        check=request.check,
        recorded=recorded,
    )


def _identity(request: Request, run: str) -> RunIdentity:
    plan = request.plan
    return RunIdentity(
        run=run,
        fields={
            "env": plan.environment,
            "workflow": plan.workflow,
            "plan": plan.id,
            **({"check": True} if request.check else {}),
        },
        opening={
            "via": "nexus-ansible",
            "action": request.permit.action,
            "role": request.permit.role,
            "registries": plan.registries,
            "playbook": plan.playbook_digest,
            "inventory": plan.inventory_digest,
            "compiler": plan.compiler,
            "limit": plan.limit or None,
            "steps": list(plan.steps),
            "resumes": request.resumes or None,
        },
        personal={
            "actor": request.permit.person.name,
            "uid": request.permit.person.uid,
            **({"vouched_by": vouched_by} if (vouched_by := request.permit.person.vouched_by) else {}),
            "node": platform.node(),
            "reason": request.reason,
            "approval": dict(request.approval or {}),
        },
    )
