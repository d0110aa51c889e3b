# SPDX-License-Identifier: Apache-2.0
"""Azure: the managed Run Command of virtual machines, and Blob storage.

States and fields are those of Microsoft's description of the compute API (virtualMachines/runCommands). Of a command's
errors it returns the last 4,096 bytes. Removing a command that runs is said to end it, but the agent's published source
(Azure/run-command-handler-linux) leaves the script alone; so a second command ends the first.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

from .cloud import Cloud, CloudError, Outcome

MANAGEMENT = "https://management.azure.com"
KEY_VALID = dt.timedelta(days=6)  # seven at most
SKEW_ALLOWED_S = 300
STOP_LIMIT_S = 60
POLL_S = 0.5
_PENDING = frozenset({"", "Unknown", "Pending", "Running"})
_EXPIRED = "the token has expired or is not accepted. Log in again (az login), or renew what AZURE_* names"
_DENIED = "the identity may not do it. Assign it the roles that docs/how-to/run-command.md lists"
_MISSING = "there is no such machine, container or account. See the ansible_azure_run_command_* variables of the host"
_ADVICE = {401: _EXPIRED, 403: _DENIED, 404: _MISSING}
_FAULTS = {
    "TimedOut": "the command did not end in time and was ended. Raise ansible_run_command_execution_timeout, or see "
    "why it takes so long",
    "Canceled": "the command was cancelled by somebody else. Run it again",
}


@dataclass(frozen=True)
class RunCommand:
    """A virtual machine, by its resource group and name."""

    client: Any
    group: str
    name: str
    location: str

    def start(self, job: str, script: str, hidden: Mapping[str, str], delivery_s: int, execution_s: int) -> str:
        command = _command(job)
        body = {
            "location": self.location,
            "properties": {
                "source": {"script": script},
                "protectedParameters": [{"name": name, "value": value} for name, value in hidden.items()],
                "timeoutInSeconds": execution_s,
                "asyncExecution": True,
            },
        }
        with _explained(f"{self.group}/{self.name}: Microsoft.Compute/virtualMachines/runCommands/write"):
            self.client.begin_create_or_update(self.group, self.name, command, body, polling=False)
        return command

    def find(self, job: str) -> list[str]:
        from azure.core.exceptions import ResourceNotFoundError

        command = _command(job)
        with _explained(f"{self.group}/{self.name}: Microsoft.Compute/virtualMachines/runCommands/read"):
            try:
                self.client.get_by_virtual_machine(self.group, self.name, command)
            except ResourceNotFoundError:
                return []
        return [command]

    def look(self, command: str) -> Outcome | None:
        with _explained(f"{self.group}/{self.name}: Microsoft.Compute/virtualMachines/runCommands/read"):
            found = self.client.get_by_virtual_machine(self.group, self.name, command, expand="instanceView")
        told = getattr(found, "properties", found)  # before azure-mgmt-compute 38 it was one level
        view = told.instance_view
        state = str(getattr(view.execution_state, "value", view.execution_state) or "") if view else ""
        if state in _PENDING:
            if told.provisioning_state == "Failed":
                message = (view and view.execution_message) or "the agent gives no reason"
                return Outcome(-1, "", f"the machine did not take the command: {message}. See that its agent runs.")
            return None
        if state in ("Succeeded", "Failed") and view.exit_code is not None:
            return Outcome(int(view.exit_code), str(view.error or ""))
        return Outcome(-1, "", f"{_FAULTS.get(state, view.execution_message or 'the command failed')} ({state}).")

    def cancel(self, command: str, stop: str) -> None:
        stopping = self.start(uuid.uuid4().hex, stop, {}, STOP_LIMIT_S, STOP_LIMIT_S)
        end = time.monotonic() + STOP_LIMIT_S
        while self.look(stopping) is None:
            if time.monotonic() > end:
                raise CloudError(f"{self.group}/{self.name}: nothing is known of the end of what should end {command}.")
            time.sleep(POLL_S)
        self.forget(stopping)

    def forget(self, command: str) -> None:
        # A machine keeps a limited number of them, and runs none beyond.
        with _explained(f"{self.group}/{self.name}: Microsoft.Compute/virtualMachines/runCommands/delete"):
            self.client.begin_delete(self.group, self.name, command, polling=False)


@dataclass
class Container:
    """A container of Blob storage, below a prefix; addresses are signed by a key of the identity, not the account's."""

    service: Any
    name: str
    prefix: str
    upload_header: str = "x-ms-blob-type: BlockBlob"
    _key: Any = field(default=None, repr=False)

    def put(self, name: str, source: BinaryIO) -> None:
        with self._blob(name, "write") as blob:
            blob.upload_blob(source, overwrite=True)

    def has(self, name: str) -> bool:
        with self._blob(name, "read") as blob:
            return bool(blob.exists())

    def get(self, name: str, target: BinaryIO) -> None:
        with self._blob(name, "read") as blob:
            blob.download_blob().readinto(target)

    def delete(self, names: Sequence[str]) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        for name in names:
            with self._blob(name, "delete") as blob, contextlib.suppress(ResourceNotFoundError):
                blob.delete_blob()

    def download_url(self, name: str, valid_s: int) -> str:
        return self._url(name, valid_s, "r")

    def upload_url(self, name: str, valid_s: int) -> str:
        return self._url(name, valid_s, "cw")

    @contextlib.contextmanager
    def _blob(self, name: str, action: str) -> Iterator[Any]:
        blob = self.service.get_blob_client(self.name, self.prefix + name)
        with _explained(f"{blob.url}: {action}"):
            yield blob

    def _url(self, name: str, valid_s: int, permission: str) -> str:
        from azure.storage.blob import generate_blob_sas

        expiry = min(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=valid_s), self._key_end())
        with self._blob(name, "sign") as blob:
            signature = generate_blob_sas(
                blob.account_name,
                self.name,
                self.prefix + name,
                user_delegation_key=self._key,
                permission=permission,
                expiry=expiry,
                protocol="https",
            )
            return f"{blob.url}?{signature}"

    def _key_end(self) -> dt.datetime:
        if self._key is None:
            now = dt.datetime.now(dt.UTC)
            with _explained(
                f"{self.service.url}: Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey"
            ):
                self._key = self.service.get_user_delegation_key(
                    now - dt.timedelta(minutes=15), now + KEY_VALID, raw_response_hook=_see_clock
                )
        return dt.datetime.fromisoformat(self._key.signed_expiry)


def _command(job: str) -> str:
    return f"nexus-{job}"


def open_azure(settings: Mapping[str, Any]) -> Cloud:
    """The machine and container of `settings`.

    They are `subscription`, `resource_group`, `machine`, `location` or None, `management_url`, and what
    `open_container` needs. Raises CloudError when a library is missing, or credentials, or the machine.
    """
    with _installed():
        from azure.identity import DefaultAzureCredential
        from azure.mgmt.compute import ComputeManagementClient
    credential = DefaultAzureCredential()
    management = settings.get("management_url") or MANAGEMENT
    compute = ComputeManagementClient(
        credential, settings["subscription"], management, credential_scopes=[f"{management}/.default"]
    )
    group, name, location = settings["resource_group"], settings["machine"], settings.get("location")
    if not location:
        with _explained(f"{group}/{name}: Microsoft.Compute/virtualMachines/read"):
            location = compute.virtual_machines.get(group, name).location
    machine = RunCommand(compute.virtual_machine_run_commands, group, name, location)
    return Cloud(machine, _container(credential, settings))


def open_container(settings: Mapping[str, Any]) -> Container:
    """The container of `settings`: `account_url`, `container` and `prefix`. Raises CloudError without the library."""
    with _installed():
        from azure.identity import DefaultAzureCredential
    return _container(DefaultAzureCredential(), settings)


def _container(credential: Any, settings: Mapping[str, Any]) -> Container:
    with _installed():
        from azure.storage.blob import BlobServiceClient
    blobs = BlobServiceClient(settings["account_url"], credential)
    return Container(blobs, settings["container"], settings["prefix"])


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    """Imports of the vendor's libraries are in blocks: only runs that use them pay for them, and need them."""
    try:
        yield
    except ImportError as error:
        raise CloudError(
            "Run Command and Blob storage need the Python packages azure-identity, azure-mgmt-compute and "
            f"azure-storage-blob on the control node ({error}). Install nexus-ansible[azure]."
        ) from error


def _see_clock(response: Any) -> None:
    """Raise CloudError when the store's clock and ours are so far apart that addresses would not be valid."""
    date = response.http_response.headers.get("Date")
    skew = time.time() - parsedate_to_datetime(date).timestamp() if date else 0
    if abs(skew) > SKEW_ALLOWED_S:
        raise CloudError(
            f"The clock of the control node is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} Azure's, and "
            "signatures would not be valid. Set it (timedatectl status tells whether it is synchronised), and run "
            "again."
        )


@contextlib.contextmanager
def _explained(where: str) -> Iterator[None]:
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ServiceRequestError

    try:
        yield
    except HttpResponseError as error:
        if isinstance(error, ClientAuthenticationError) and error.status_code is None:
            raise CloudError(
                f"{where}: there are no Azure credentials on the control node. Log in (az login), set the AZURE_* "
                f"variables of a service principal, or run where a managed identity gives them. {error.message}"
            ) from error
        advice = _ADVICE.get(error.status_code or 0, "Azure refused it. See the message")
        code = getattr(error, "error_code", None) or (error.error.code if error.error else error.reason)
        raise CloudError(f"{where}: {advice} ({error.status_code} {code}: {_first_line(error)}).") from error
    except ServiceRequestError as error:
        raise CloudError(f"{where}: Azure does not answer ({error}). See that the control node reaches it.") from error
    except AzureError as error:
        raise CloudError(f"{where}: {error}. Run it again.") from error


def _first_line(error: Any) -> str:
    return str(error.message or "no message").strip().splitlines()[0]
