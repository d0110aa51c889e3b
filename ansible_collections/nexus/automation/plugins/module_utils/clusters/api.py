# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the API of a cluster, as plain data.

Paths and verbs are those of https://kubernetes.io/docs/reference/using-api/api-concepts/. The Python library
kubernetes knows how to get in (certificates, tokens, programs that make tokens); its generated classes are not used.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from ansible.module_utils.basic import env_fallback, missing_required_lib

from ..errors import AdapterError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IN_ITS_OWN_CLUSTER = "NEXUS_IN_ITS_OWN_CLUSTER"
"""Variable that is `true` in a pod whose account stands for whatever kubeconfig and context people have elsewhere."""

MANAGER = "nexus-ansible"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
NOT_FOUND = 404
UNAUTHORIZED = 401

OLDER = {
    "HorizontalPodAutoscaler": ("autoscaling/v2", "autoscaling/v2beta2"),
    "PodDisruptionBudget": ("policy/v1", "policy/v1beta1"),
}
"""API versions, the newest first, in which what nexus-ansible writes is the same."""

_RENEW = "token or certificate is wrong or has expired. Renew them, or log in again, and check the context."

CONNECTION_SPEC: dict[str, Any] = {
    "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
    "namespace": {"type": "str", "required": True},
    "timeout": {"type": "int", "default": 60},
}


class ApiError(AdapterError):
    """The cluster refused a request; `status` is that of the answer (RFC 9110)."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Cluster:
    """A namespace of a cluster, through a client of the library."""

    client: Any
    namespace: str
    timeout: int
    _found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def get(self, path: str, **query: str) -> dict[str, Any] | None:
        """What is at a path, or None. Raises ApiError and UnreachableError."""
        try:
            return self.request("GET", path, **query)
        except ApiError as error:
            if error.status == NOT_FOUND:
                return None
            raise

    def listed(self, api_version: str, kind: str, labels: Mapping[str, str]) -> list[dict[str, Any]]:
        """Objects of a kind in the namespace with all these labels. Raises ApiError and UnreachableError."""
        selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
        answer = self.get(self.path(api_version, kind), labelSelector=selector)
        return list((answer or {}).get("items") or ())

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> dict[str, Any]:
        """Make a request and return the answer. Raises ApiError with the server's reason, and UnreachableError."""
        status, text = self.raw(method, path, body, content_type, **query)
        if status == UNAUTHORIZED:
            raise ApiError(f"{self._host} does not accept who asks (401): {_RENEW}", status)
        if status >= 400:
            raise ApiError(f"{method} {path}: {_reason(text) or status}", status)
        answer: dict[str, Any] = json.loads(text) if text else {}
        return answer

    def raw(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **query: str
    ) -> tuple[int, str]:
        """Make a request and return status and text of the answer. Raises UnreachableError."""
        from kubernetes.client.exceptions import ApiException

        with self._reached():
            try:
                answer = self.client.rest_client.request(
                    method,
                    self._url(path, query),
                    headers=self._headers(content_type),
                    body=body,
                    _request_timeout=self.timeout,
                )
                # The library reads it by itself up to its version 32.
                data = answer.data if answer.data is not None else answer.read()
            except ApiException as error:
                if not error.status:
                    raise UnreachableError(f"{self._host} does not answer: {error.reason}") from error
                return error.status, _decoded(error.body)
        return answer.status, _decoded(data)

    def lines(self, path: str, **query: str) -> Iterator[str]:
        """The lines of an answer as they come. Raises UnreachableError, also when none comes within the time limit."""
        with self._reached():
            answer = self.client.rest_client.pool_manager.request(
                "GET",
                self._url(path, query),
                headers=self._headers("application/json"),
                timeout=self.timeout,
                retries=False,
                preload_content=False,
            )
            try:
                if answer.status >= 400:
                    raise ApiError(f"GET {path}: {_reason(_decoded(answer.read())) or answer.status}", answer.status)
                for line in answer:
                    yield _decoded(line).rstrip("\n")
            finally:
                answer.close()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (HTTPError, OSError) as error:
            raise UnreachableError(f"{self._host} does not answer: {error}") from error

    @property
    def _host(self) -> str:
        return str(self.client.configuration.host)

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        return f"{self._host}{path}{'?' + urlencode(query) if query else ''}"

    def _headers(self, content_type: str) -> dict[str, str]:
        ways = self.client.configuration.auth_settings().values()
        told = {way["key"]: way["value"] for way in ways if way["in"] == "header"}
        return {"Accept": "application/json, */*", "Content-Type": content_type, **told}

    def path(self, api_version: str, kind: str, name: str | None = None) -> str:
        """Where objects of a kind are, or one of them. Raises ApiError when the cluster has no such kind."""
        resource = self._resource(api_version, kind)
        if resource is None:
            raise ApiError(f"the cluster has no {kind} of {api_version}", NOT_FOUND)
        scope = f"/namespaces/{self.namespace}" if resource["namespaced"] else ""
        own = f"/{quote(name)}" if name else ""
        return f"{_group(api_version)}{scope}/{resource['name']}{own}"

    def offered(self, api_version: str, kind: str) -> str:
        """The API version in which the cluster has a kind: the given one, else another in which it is the same."""
        choices = (api_version, *OLDER.get(kind, ()))
        return next((one for one in choices if self._resource(one, kind) is not None), api_version)

    def _resource(self, api_version: str, kind: str) -> dict[str, Any] | None:
        if api_version not in self._found:
            self._found[api_version] = list((self.get(_group(api_version)) or {}).get("resources") or ())
        found = self._found[api_version]
        return next((one for one in found if one["kind"] == kind and "/" not in one["name"]), None)


def connect_cluster(options: Mapping[str, Any]) -> Cluster:
    """The namespace that the options of CONNECTION_SPEC tell.

    Without any it is what kubectl would take, and in a pod without a kubeconfig the pod's own account. Raises
    AdapterError naming what to install or to give.
    """
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise AdapterError(missing_required_lib("kubernetes", url="https://pypi.org/project/kubernetes/")) from error
    configuration = client.Configuration()
    given = {"config_file": options["kubeconfig"], "context": options["context"]}
    try:
        if os.environ.get(IN_ITS_OWN_CLUSTER) == "true":
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_config(client_configuration=configuration, **{key: one for key, one in given.items() if one})
    except (config.ConfigException, TypeError, OSError) as error:
        where = options["kubeconfig"] or "the kubeconfig"
        raise AdapterError(
            f"{where}: {error}. Set `kubeconfig` and `context` of the environment, or run in a pod."
        ) from error
    return Cluster(client.ApiClient(configuration), options["namespace"], options["timeout"])


def _group(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _decoded(data: Any) -> str:
    return data.decode(errors="replace") if isinstance(data, bytes) else str(data or "")


def _reason(text: str) -> str:
    """The message of a Status object, else the text itself."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
