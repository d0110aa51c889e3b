# SPDX-License-Identifier: Apache-2.0
"""A command in a Job of a cluster: made, watched, and brought to its end."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ansible_collections.nexus.automation.plugins.module_utils.clusters.api import (
    NOT_FOUND,
    ApiError,
    Cluster,
    connect_cluster,
)
from ansible_collections.nexus.automation.plugins.module_utils.clusters.objects import apply_object
from ansible_collections.nexus.automation.plugins.module_utils.clusters.pods import is_hopeless, reasons
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError, UnreachableError
from nexus_ansible.errors import RefusedError, RunError
from nexus_ansible.run.elsewhere.job_objects import (
    CONTAINER,
    SINCE,
    WHAT,
    WHO,
    claim_object,
    job_object,
    owner_reference,
    parcel_objects,
    person_data,
)

if TYPE_CHECKING:
    from nexus_ansible.run.elsewhere.control_node import ControlNode
    from nexus_ansible.run.gate import Person

REQUEST_LIMIT_S = 30
START_LIMIT_S = 300
GONE_LIMIT_S = 150
LOST_LIMIT_S = 120
POLL_S = 0.5
CONFLICT = 409
INTERRUPTED = 130

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Errand:
    """What is to be done: a command of nexus-ansible with its arguments, for a person, with a packed project."""

    argv: Sequence[str]
    person: Person
    packed: bytes


def run_in_job(node: ControlNode, errand: Errand, show: Tell, notice: Tell) -> int:
    """Run a command on a control node in a cluster; return its exit code.

    `show` gets every line that it prints, `notice` what there is to say of the job itself. Interrupted, it has the job
    cancel its run, waits for that, and returns 130. Raises RefusedError when no job was begun, RunError when the
    job's end could not be seen.
    """
    options = {"kubeconfig": node.kubeconfig, "context": node.context, "namespace": node.namespace}
    try:
        cluster = connect_cluster({**options, "timeout": REQUEST_LIMIT_S})
        job = _begin(cluster, node, errand)
    except AdapterError as error:
        raise RefusedError(f"No job was begun in {node.namespace}: {error}") from error
    watch = Watch(cluster, node, job, show, notice)
    with _terminable():
        try:
            code = watch.until_its_end()
        except KeyboardInterrupt:
            notice(f"The job {node.job} is told to end its run. Once more, and you do not wait for that.")
            _delete(cluster, node.job, "Foreground")
            watch.until_its_end(cancelled=True)
            return INTERRUPTED
    _delete(cluster, node.job, "Background")
    return code


def _begin(cluster: Cluster, node: ControlNode, errand: Errand) -> dict[str, Any]:
    """Make the Job, then what it waits for: of two that begin at once only one makes it."""
    _clear(cluster, node)
    vouched_by = f"the job {node.job} in {node.namespace}"
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {WHO: errand.person.name, SINCE: now, WHAT: " ".join(errand.argv)}
    person = json.dumps(person_data(errand.person, vouched_by))
    parts = len(parcel_objects(node, errand.packed, {}))
    path = cluster.path("batch/v1", "Job")
    try:
        job = cluster.request("POST", path, job_object(node, parts, errand.argv, person, told))
    except ApiError as error:
        if error.status == CONFLICT:
            raise RefusedError(_holder(cluster, node)) from error
        raise
    for wanted in (claim_object(node), *parcel_objects(node, errand.packed, owner_reference(job))):
        apply_object(cluster, wanted, dry_run=False)
    return job


def _clear(cluster: Cluster, node: ControlNode) -> None:
    """Remove a job that has ended. Raises RefusedError that names who runs one that has not."""
    job = cluster.get(cluster.path("batch/v1", "Job", node.job))
    if job is None:
        return
    if not _has_ended(job):
        raise RefusedError(_holder(cluster, node))
    _delete(cluster, node.job, "Foreground")
    _wait(lambda: cluster.get(cluster.path("batch/v1", "Job", node.job)) is None, "the last job goes", GONE_LIMIT_S)


def _has_ended(job: Mapping[str, Any]) -> bool:
    return any(
        one["type"] in {"Complete", "Failed"} and one["status"] == "True"
        for one in (job.get("status") or {}).get("conditions") or ()
    )


def _holder(cluster: Cluster, node: ControlNode) -> str:
    job = cluster.get(cluster.path("batch/v1", "Job", node.job)) or {"metadata": {}}
    told = job["metadata"].get("annotations") or {}
    who, since, what = (told.get(name, "somebody") for name in (WHO, SINCE, WHAT))
    return (
        f'{node.environment} is locked by the job {node.job} in {node.namespace}: {who} runs "{what}" since {since}.\n'
        f"  Wait for it to end; see it: kubectl -n {node.namespace} logs --follow job/{node.job}"
    )


def _delete(cluster: Cluster, name: str, policy: str) -> None:
    try:
        cluster.request("DELETE", cluster.path("batch/v1", "Job", name), propagationPolicy=policy)
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise


@dataclass
class Watch:
    """Looks at a job until it ends, through breaks of the connection."""

    cluster: Cluster
    node: ControlNode
    job: Mapping[str, Any]
    show: Tell
    notice: Tell
    shown: int = 0

    def until_its_end(self, *, cancelled: bool = False) -> int:
        """Show what it prints, and return its exit code; that of an interruption for a cancelled one that is gone.

        Raises RunError when it does not begin, when the cluster ends it, and when it is out of sight for too long.
        """
        lost_at: float | None = None
        while True:
            try:
                pod = self._started(may_be_gone=cancelled)
                if pod is None:
                    return INTERRUPTED
                code = _exit_code(pod)
                self._show_lines(pod["metadata"]["name"], follow=code is None)
                if code is not None:
                    return code
                lost_at = None
            except UnreachableError as error:
                lost_at = self._lost(lost_at, error)
            time.sleep(POLL_S)

    def _started(self, *, may_be_gone: bool) -> dict[str, Any] | None:
        """The job's pod, as soon as its container has begun; None when it is gone and that was to be expected."""
        end = time.monotonic() + START_LIMIT_S
        labels = {"job-name": self.node.job, "controller-uid": self.job["metadata"]["uid"]}
        while True:
            pod = next(iter(self.cluster.listed("v1", "Pod", labels)), None)
            if pod is not None and any(_states(pod, "running", "terminated")):
                return pod
            if pod is None and may_be_gone:
                return None
            why = "its pod is gone" if pod is None else "; ".join(reasons(pod)) or pod["status"].get("message", "")
            if self.shown:
                again = f"nexus-ansible status {self.node.environment} --on kubernetes-job"
                raise RunError(f"{self._name} was ended by the cluster: {why}.\n  Close its run, and go on: {again}")
            if time.monotonic() > end or (pod is not None and is_hopeless(pod, patience=0)):
                _delete(self.cluster, self.node.job, "Background")
                raise RunError(f"{self._name} did not begin: {why}.\n  Nothing was touched, and the job is removed.")
            time.sleep(POLL_S)

    @property
    def _name(self) -> str:
        return f"The job {self.node.job} in {self.node.namespace}"

    def _show_lines(self, pod: str, *, follow: bool) -> None:
        """Show what was not shown yet. With `follow` until there is no more, or none for a while."""
        path = f"{self.cluster.path('v1', 'Pod', pod)}/log"
        query = {"container": CONTAINER, **({"follow": "true"} if follow else {})}
        with suppress(UnreachableError):  # that nothing comes does not mean that nothing answers: the next look tells
            for number, line in enumerate(self.cluster.lines(path, **query), start=1):
                if number > self.shown:
                    self.show(line)
                    self.shown = number

    def _lost(self, since: float | None, error: UnreachableError) -> float:
        now = time.monotonic()
        if since is None:
            self.notice(f"{error}. The job goes on; looking for it again.")
            return now
        if now - since > LOST_LIMIT_S:
            raise RunError(
                f"{self._name} is out of sight, and goes on: {error}.\n"
                f"  See it when the cluster answers: kubectl -n {self.node.namespace} logs --follow job/{self.node.job}"
            ) from error
        return since


def _states(pod: Mapping[str, Any], *names: str) -> Iterator[Any]:
    for status in pod["status"].get("containerStatuses") or ():
        for name in names:
            if (status.get("state") or {}).get(name):
                yield status["state"][name]


def _exit_code(pod: Mapping[str, Any]) -> int | None:
    return next((int(state["exitCode"]) for state in _states(pod, "terminated")), None)


def _wait(condition: Callable[[], bool], what: str, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise AdapterError(f"{what}: not within {limit_s:g} s")
        time.sleep(POLL_S)


@contextmanager
def _terminable() -> Iterator[None]:
    """Take SIGTERM and SIGHUP for an interruption from the keyboard."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
