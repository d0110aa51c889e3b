# SPDX-License-Identifier: Apache-2.0
"""Azure: azurite, and a Resource Manager and a managed identity at the HTTP edge.

The Resource Manager knows one virtual machine and its runCommands, with the paths, fields and states of Microsoft's
description of the compute API; it runs scripts in a container as the agent does whose source Microsoft publishes
(Azure/run-command-handler-linux): named parameters are variables, the last 4,096 bytes of what a script wrote are
returned, a script that takes too long is killed without its children, and removing a command ends nothing.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient, ContainerClient

from tests.servers.azure_identity import SUBSCRIPTION, error, refusal, token
from tests.servers.docker import Container
from tests.servers.run_command.agent import Script, begin
from tests.servers.run_command.azurite import start_azurite
from tests.servers.run_command.edge import Reply, Request, json_reply, serving
from tests.servers.tls import CertificateAuthority

GROUP, MACHINE, CONTAINER = "production", "web-1", "run-command"
OUTPUT_LIMIT = 4_096
HEADER = "identity-header"
VM = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.Compute/virtualMachines/{MACHINE}"
COMMAND = re.compile(re.escape(VM) + "/runCommands/([^/]+)")


@dataclass
class Azure:
    """A running cloud: what reaches it, and what it has recorded."""

    machine: Container
    authority: CertificateAuthority
    account_url: str
    identity: int = 0
    management: int = 0
    tokens_expired: bool = False
    offline: bool = False
    holds_back: threading.Event | None = None
    """The next answer to a command that was sent is held back until this is set."""
    kept: dict[str, tuple[dict[str, Any], Script | None]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the Azure chain and its clients read."""
        return {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{self.identity}/token",
            "IDENTITY_HEADER": HEADER,
            "REQUESTS_CA_BUNDLE": str(self.authority.ca_file),
        }

    @property
    def variables(self) -> dict[str, str]:
        """What the inventory says of the machine."""
        return {
            "ansible_connection": "nexus.automation.azure_run_command",
            "ansible_azure_run_command_subscription": SUBSCRIPTION,
            "ansible_azure_run_command_resource_group": GROUP,
            "ansible_azure_run_command_machine": MACHINE,
            "ansible_azure_run_command_account_url": self.account_url,
            "ansible_azure_run_command_container": CONTAINER,
            "ansible_azure_run_command_management_url": f"https://127.0.0.1:{self.management}",
        }

    def objects(self) -> list[str]:
        """What is in the container."""
        return list(self._container().list_blob_names())

    def overwrite(self, name: str, content: bytes) -> None:
        """Put something else where an object is."""
        self._container().upload_blob(name, content, overwrite=True)

    def commands(self) -> list[str]:
        """Commands that the cloud still counts for the machine."""
        return list(self.kept)

    def records(self) -> str:
        """Everything that those who may read the commands and the activity log saw."""
        return json.dumps(self.seen)

    def prepare(self) -> None:
        """Make the container."""
        self._container().create_container()

    def give_token(self, request: Request) -> Reply:
        """The managed identity's endpoint, as App Service has it."""
        if request.headers.get("X-IDENTITY-HEADER") != HEADER:
            return json_reply(401, {"message": "no header"})
        given, expires = token(request.query["resource"], expired=self.tokens_expired)
        # The chain would not use a token that it knows to be over: this one was taken back before its time.
        answer = {"access_token": given, "expires_on": str(max(expires, int(time.time()) + 3600))}
        return json_reply(200, {**answer, "resource": request.query["resource"], "token_type": "Bearer"})

    def manage(self, request: Request) -> Reply:
        """The Resource Manager."""
        if refused := refusal(request):
            return refused
        if request.path == VM:
            return json_reply(200, {"id": VM, "name": MACHINE, "location": "westeurope", "properties": {}})
        found = COMMAND.fullmatch(request.path)
        if found is None:
            return error(404, "ResourceNotFound", f"The Resource '{request.path}' was not found.")
        answers = {"PUT": self._put, "GET": self._get, "DELETE": self._delete}
        return answers[request.method](found[1], request)

    def _put(self, name: str, request: Request) -> Reply:
        body = json.loads(request.body)
        properties = body["properties"]
        hidden = {entry["name"]: entry["value"] for entry in properties.pop("protectedParameters", [])}
        script = None
        if not self.offline:
            text, limit_s = properties["source"]["script"], properties["timeoutInSeconds"]
            variables = {key: f"'{value}'" for key, value in hidden.items()}
            script = begin(self.machine, text, variables, limit_s, "TimedOut", group=False)
        self.kept[name] = body, script
        held, self.holds_back = self.holds_back, None
        if held:
            held.wait()
        return self._record(201, name, {"provisioningState": "Creating"})

    def _get(self, name: str, _request: Request) -> Reply:
        if name not in self.kept:
            return error(404, "ResourceNotFound", f"The Resource '{name}' was not found.")
        script = self.kept[name][1]
        if script is None:
            view = {"executionState": "Unknown", "executionMessage": "VM has reported a failure: agent not ready"}
            return self._record(200, name, {"provisioningState": "Failed", "instanceView": view})
        return self._record(200, name, {"provisioningState": "Succeeded", "instanceView": _view(script)})

    def _delete(self, name: str, _request: Request) -> Reply:
        self.kept.pop(name, None)
        return Reply(202, b"", {"Location": f"https://127.0.0.1:{self.management}{VM}"})

    def _record(self, status: int, name: str, more: dict[str, Any]) -> Reply:
        body = self.kept[name][0]
        answer = {**body, "name": name, "properties": {**body["properties"], **more}}
        self.seen.append(json.dumps(answer))
        return json_reply(status, answer)

    def _container(self) -> ContainerClient:
        service = BlobServiceClient(self.account_url, _Tokens(), connection_verify=str(self.authority.ca_file))
        return service.get_container_client(CONTAINER)


class _Tokens:
    """The tests' own way to the blobs."""

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(*token("https://storage.azure.com"))


@contextlib.contextmanager
def start_azure(machine: Container, authority: CertificateAuthority, directory: Path) -> Iterator[Azure]:
    """Run a cloud with one machine, the container `machine`, which shares this machine's network."""
    machine.copy(authority.ca_file, "/usr/local/share/ca-certificates/nexus-test.crt")
    machine.run("update-ca-certificates")
    with start_azurite(directory, authority) as account_url:
        cloud = Azure(machine, authority, account_url)
        cloud.prepare()
        with serving(cloud.give_token) as identity, serving(cloud.manage, authority.server_context()) as management:
            cloud.identity, cloud.management = identity, management
            yield cloud


def _view(script: Script) -> dict[str, Any]:
    if not script.ended.is_set():
        return {"executionState": "Running"}
    state = script.fault or ("Failed" if script.exit_code else "Succeeded")
    stdout, stderr = (stream[-OUTPUT_LIMIT:].decode("utf-8", "replace") for stream in (script.stdout, script.stderr))
    return {"executionState": state, "exitCode": script.exit_code, "output": stdout, "error": stderr}
