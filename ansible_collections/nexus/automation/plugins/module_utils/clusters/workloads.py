# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service is to be, out of its compiled manifest and what only a run knows: release, image and secrets."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VERSION = "nexus.automation/version"
RELEASE = "nexus.automation/release"
GOOD = "nexus.automation/good"


@dataclass(frozen=True)
class Workload:
    """A service's StatefulSet with the Secret that it refers to, if any. `version` is a digest of what pods are.

    `autoscaled` says that the number of its pods is only the least that there may be.
    """

    stateful_set: dict[str, Any]
    secret: dict[str, Any] | None
    version: str
    autoscaled: bool


def build_workload(
    documents: Sequence[Mapping[str, Any]], image: str, release: str, secrets: Mapping[str, str]
) -> Workload:
    """The workload of a manifest. `image` and `release` empty are what the manifest says.

    Pods are replaced one by one, by whoever applies, and not by the cluster in an order of its own. Raises AdapterError
    for a manifest without a StatefulSet, and for a secret that it refers to and nobody told.
    """
    found = next((one for one in documents if one["kind"] == "StatefulSet"), None)
    if found is None:
        raise AdapterError("the manifest has no StatefulSet. Compile the registries again: nexus-ansible compile.")
    stateful_set = copy.deepcopy(dict(found))
    stateful_set["spec"]["updateStrategy"] = {"type": "OnDelete"}
    template = stateful_set["spec"]["template"]
    container = template["spec"]["containers"][0]
    if image:
        container["image"] = image
    secret = _secret(stateful_set, container.get("env", ()), secrets)
    version = hashlib.sha256(json.dumps([template, release], sort_keys=True).encode()).hexdigest()[:12]
    template["metadata"]["annotations"] = {VERSION: version, RELEASE: release}
    autoscaled = any(one["kind"] == "HorizontalPodAutoscaler" for one in documents)
    return Workload(stateful_set, secret, version, autoscaled)


def _secret(
    stateful_set: Mapping[str, Any], variables: Iterable[dict[str, Any]], secrets: Mapping[str, str]
) -> dict[str, Any] | None:
    """The Secret, named after a digest of what is in it, so that another value makes other pods."""
    references = [one["valueFrom"]["secretKeyRef"] for one in variables if "secretKeyRef" in one.get("valueFrom", {})]
    missing = sorted(one["key"] for one in references if one["key"] not in secrets)
    if missing:
        raise AdapterError(f"nobody told the secret variables {', '.join(missing)}. Compile the registries again.")
    if not references:
        return None
    told = {one["key"]: secrets[one["key"]] for one in references}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    name = f"{references[0]['name']}-{digest[:10]}"
    for one in references:
        one["name"] = name
    metadata = {"name": name} | {key: stateful_set["metadata"][key] for key in ("labels", "namespace")}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in told.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}
