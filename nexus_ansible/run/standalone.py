# SPDX-License-Identifier: Apache-2.0
"""The recorder of a plain ansible-playbook run: `python -m nexus_ansible.run.standalone PROJECT FD`.

The callback plugin starts it when no supervisor is there. It outlives the playbook by the closing record.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from nexus_ansible.compile.manifest import file_digest
from nexus_ansible.compile.paths import playbook_path
from nexus_ansible.compile.project import Checked, check_project
from nexus_ansible.errors import NexusError
from nexus_ansible.ledger.ledger import Ledger
from nexus_ansible.project import Project
from nexus_ansible.registries.registry_set import as_seen_by
from nexus_ansible.run.crashed import close_crashed
from nexus_ansible.run.crosscheck import recap_discrepancies
from nexus_ansible.run.gate import action_of, admit, this_person
from nexus_ansible.run.identity import RunIdentity
from nexus_ansible.run.lock import locked
from nexus_ansible.run.recorder import Log, Recorder, Unrecorded
from nexus_ansible.run.redact import Redactor
from nexus_ansible.run.secrets import credentials, passwords_of_addresses
from nexus_ansible.run.state import RunState, RunStore, new_run_id, now_utc, this_process, timestamp
from nexus_ansible.run.wire import answer, read_line, serve

VIA = "ansible-playbook"


def record(project: Project, connection: socket.socket) -> None:
    """Record one run from its first message to the end of the connection.

    A run that the gate or a lock refuses is told so, and ends before it touched anything.
    """
    hello = json.loads(read_line(connection))
    with ExitStack() as stack:
        try:
            state = _opening(project, hello)
            if not state.check and state.environment:
                stack.enter_context(locked(project, state.environment, (), state.run, state.started))
            project.make_state()
            close_crashed(project)
            log = stack.enter_context(Ledger.open(project.ledger)) if state.recorded else Unrecorded()
            recorder = _recorder(project, log, state, hello)
            recorder.open()
        except NexusError as error:
            answer(connection, {"refused": str(error)})
            return
        answer(connection, {"run": state.run, "secrets": {}})
        serve(connection, recorder)
        outcome = _outcome(recorder)
        recorder.close(
            outcome, "" if outcome != "crashed" else "it ended without a recap", recap_discrepancies(recorder.tally)
        )
        RunStore(project).end(recorder.ended(state, outcome))


def _opening(project: Project, hello: dict[str, Any]) -> RunState:
    """What can be told of the run before it begins. Raises RefusedError when the gate says no."""
    now = now_utc()
    person = this_person()
    playbook = _within(project, Path(hello["playbook"]))
    compiled = _compiled_inventory(project, hello)
    environment = compiled.name if compiled else str(hello.get("environment") or "")
    reason = os.environ.get("NEXUS_REASON", "")
    workflow, recorded = "", True
    checked = _checked(project)
    if checked is not None:
        workflow = next((name for name in checked.platform.workflows if playbook_path(name) == playbook), "")
        environment = environment if environment in checked.platform.environments else ""
        if workflow and environment:
            action = "read" if hello["check"] else action_of(checked.platform.workflows[workflow], environment)
            view = as_seen_by(checked.registries, environment)
            admit(checked.platform.authorization[environment], view, person, action, reason)
            recorded = action != "read" or checked.platform.policies[environment].audit_reads
    return RunState(
        run=new_run_id(now),
        workflow=workflow,
        environment=environment,
        playbook=playbook,
        started=timestamp(now),
        process=this_process(),
        actor=person.name,
        reason=reason,
        limit=hello["limit"] or "",
        steps=tuple(tag for tag in hello["tags"] if tag != "all"),
        check=hello["check"],
        recorded=recorded,
    )


def _checked(project: Project) -> Checked | None:
    """The project as it is now; None when the registries are invalid, which must not keep a run from being recorded."""
    try:
        return check_project(project)
    except NexusError:
        return None


def _compiled_inventory(project: Project, hello: dict[str, Any]) -> Path | None:
    """The directory of the compiled inventory in use, if it is one; AWX has a file of its own made from it."""
    used = {path.parent if path.name == "hosts" else path for path in map(Path, hello["inventory"])}
    found = (path for path in sorted(used) if path.parent == project.root / "inventories")
    return next((path for path in found if (path / "hosts").is_file()), None)


def _within(project: Project, path: Path) -> str:
    return path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.as_posix()


def _recorder(project: Project, log: Log, state: RunState, hello: dict[str, Any]) -> Recorder:
    store = RunStore(project)
    store.begin(state)
    person = this_person()
    inventory = _compiled_inventory(project, hello)
    identity = RunIdentity(
        run=state.run,
        fields={
            "env": state.environment or None,
            "workflow": state.workflow or None,
            **({"check": True} if state.check else {}),
        },
        opening={
            "via": VIA,
            "playbook": file_digest(Path(hello["playbook"])),
            "inventory": file_digest(inventory / "hosts") if inventory else None,
            "limit": state.limit or None,
            "steps": list(state.steps),
        },
        personal={
            "actor": person.name,
            "uid": person.uid,
            "node": platform.node(),
            "reason": state.reason,
            "playbook": hello["playbook"],
        },
    )
    return Recorder(
        log,
        identity,
        Redactor([*passwords_of_addresses(os.environ), *credentials(os.environ)]),
        store.directory(state.run) / "tasks.log",
    )


def _outcome(recorder: Recorder) -> str:
    if recorder.tally.recap is None:
        return "crashed"
    bad = sum(host.get("failures", 0) + host.get("unreachable", 0) for host in recorder.tally.recap.values())
    return "failed" if bad else "ok"


def main(arguments: list[str]) -> int:
    """Record; tell what went wrong on standard error. Returns the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    project = Project(Path(arguments[0]))
    with socket.socket(fileno=int(arguments[1])) as connection:
        try:
            record(project, connection)
        except NexusError as error:
            print(f"ledger: {error}", file=sys.stderr)  # noqa: T201 - standard error is the only way to the user
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
