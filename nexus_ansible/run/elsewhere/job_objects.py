# SPDX-License-Identifier: Apache-2.0
"""What a job is in the cluster: the claim of its state, the parcel in Secrets, and the Job itself.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/job-v1/
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from ansible_collections.nexus.automation.plugins.module_utils.clusters.api import IN_ITS_OWN_CLUSTER
from nexus_ansible import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nexus_ansible.run.elsewhere.control_node import ControlNode
    from nexus_ansible.run.gate import Person

CONTAINER = "control-node"
STATE = "nexus-ansible-state"
"""Name of the claim that keeps `.nexus`, and with it the ledger, from job to job. Nothing here ever removes it."""

PARCEL = "/nexus/parcel"
PROJECT = "/nexus/project"
HOME = "/nexus/home"
PERSON = "NEXUS_PERSON"
WHO, SINCE, WHAT = (f"nexus.automation/{what}" for what in ("by", "since", "command"))
"""Annotations that tell others what a job is doing."""

GRACE_S = 120
KEPT_S = 86_400
_PART = 700 << 10  # bytes; in base64 it stays below the 1 MiB of an object
_LABELS = {"app.kubernetes.io/name": CONTAINER, "app.kubernetes.io/managed-by": "nexus-ansible-job"}


def claim_object(node: ControlNode) -> dict[str, Any]:
    """The claim of a volume for the state."""
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": node.storage_size}},
        **({"storageClassName": node.storage_class} if node.storage_class else {}),
    }
    return _object(node, "v1", "PersistentVolumeClaim", STATE, spec=spec)


def parcel_objects(node: ControlNode, packed: bytes, owner: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parcel in Secrets, which go with the Job that owns them."""
    made = []
    for number, start in enumerate(range(0, len(packed), _PART)):
        part = base64.b64encode(packed[start : start + _PART]).decode()
        one = _object(node, "v1", "Secret", f"{node.job}-{number}", type="Opaque", data={f"{number:03}": part})
        one["metadata"]["ownerReferences"] = [owner]
        made.append(one)
    return made


def owner_reference(job: Mapping[str, Any]) -> dict[str, Any]:
    """How an object says that it goes with a Job."""
    return {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"]}


def job_object(
    node: ControlNode, parts: int, argv: Sequence[str], person: str, told: Mapping[str, str]
) -> dict[str, Any]:
    """The Job. `person` is the JSON that `arrival` reads, `told` the annotations."""
    parcel = [{"secret": {"name": f"{node.job}-{number}"}} for number in range(parts)]
    volumes = [
        {"name": "parcel", "projected": {"sources": parcel}},
        {"name": "work", "emptyDir": {}},
        {"name": "state", "persistentVolumeClaim": {"claimName": STATE}},
    ]
    mounts = [
        {"name": "parcel", "mountPath": PARCEL, "readOnly": True},
        {"name": "work", "mountPath": PROJECT, "subPath": "project"},
        {"name": "work", "mountPath": HOME, "subPath": "home"},
        {"name": "state", "mountPath": f"{PROJECT}/.nexus", "subPath": node.environment},
    ]
    own = {"HOME": HOME, "PYTHONUNBUFFERED": "1", **({IN_ITS_OWN_CLUSTER: "true"} if node.account else {})}
    variables = {**own, **node.variables, PERSON: person}
    container = {
        "name": CONTAINER,
        "image": node.image,
        "imagePullPolicy": node.pull_policy,
        "command": ["python3", "-m", "nexus_ansible.run.elsewhere.arrival", PARCEL, PROJECT, *argv],
        "workingDir": PROJECT,
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "envFrom": [{"secretRef": {"name": name}} for name in node.secrets],
        "volumeMounts": mounts,
        "resources": {"limits": _limits(node)},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_S,
        "automountServiceAccountToken": node.account is not None,
        **({"serviceAccountName": node.account} if node.account else {}),
        **({"imagePullSecrets": [{"name": node.pull_secret}]} if node.pull_secret else {}),
        "securityContext": {
            **dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), node.user),
            "runAsNonRoot": node.user != 0,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }
    spec = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": KEPT_S,
        "template": {"metadata": {"labels": _labels(node)}, "spec": pod},
    }
    job = _object(node, "batch/v1", "Job", node.job, spec=spec)
    job["metadata"]["annotations"] = dict(told)
    return job


def person_data(person: Person, vouched_by: str) -> dict[str, Any]:
    """A person as `arrival` reads it."""
    known = {"name": person.name, "uid": person.uid, "groups": list(person.groups)}
    return {**known, "vouched_by": vouched_by, "version": __version__}


def _object(node: ControlNode, api_version: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": node.namespace, "labels": _labels(node)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def _labels(node: ControlNode) -> dict[str, str]:
    """Not those of the environment: what has those is removed by `down`, which may run in this job."""
    return {**_LABELS, "app.kubernetes.io/part-of": node.project, "nexus.automation/environment": node.environment}


def _limits(node: ControlNode) -> dict[str, str]:
    told = {"cpu": "{:g}", "memory": "{:.0f}"}
    return {name: form.format(node.resources[name]) for name, form in told.items() if node.resources.get(name)}
