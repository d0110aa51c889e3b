# SPDX-License-Identifier: Apache-2.0
"""Azure's Resource Manager at the HTTP edge: virtual machines, their networks, and the login of a service principal.

Paths, fields and errors are those of Microsoft's descriptions (https://github.com/Azure/azure-rest-api-specs, `compute`
2024-07-01 and `network` 2024-05-01). Lists come in pages, ids in the letters of whoever made the resource.
`POST /batch`, which is not described, is answered as azure.azcollection reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import certifi

from tests.servers.azure_identity import SUBSCRIPTION, VALID_S, error, refusal, token
from tests.servers.connect_proxy import leading
from tests.servers.run_command.edge import Reply, Request, json_reply, serving
from tests.servers.tls import CertificateAuthority, make_authority

LOGIN = "login.microsoftonline.com"
MANAGEMENT = "management.azure.com"
PLATFORM = "nexus-production"
GROUP = "Shop"
LOCATION = "westeurope"
TENANT = "99999999-8888-7777-6666-555555555555"
SECRET = "nobody-may-see-this-of-azure"
CLIENT = "12121212-3434-5656-7878-909090909090"
PAGE = 2


@dataclass
class ResourceManager:
    """A subscription. `forbidden` are resource groups, in lower-case letters, that the credentials may not read."""

    authority: CertificateAuthority
    run_commands: Callable[[Request], Reply] | None = None
    """What answers for the commands of machines."""
    way: dict[str, str] = field(default_factory=dict)
    """Variables by which its names lead here, and its certificate is accepted as others are."""
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id, in lower-case letters, as resource ids are compared."""
    groups: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    is_down: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What the collection reads: a service principal, and the way here."""
        return {
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AZURE_TENANT": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_SECRET": SECRET,
            "AZURE_DISABLE_INSTANCE_DISCOVERY": "true",
            **self.way,
        }

    def describe(
        self, name: str, address: str, group: str = GROUP, power: str = "running", public: str = "", **tags: str
    ) -> str:
        """Tell of a machine in a resource group; return its id."""
        self.groups.add(group.lower())
        vm = _id(group, "Microsoft.Compute/virtualMachines", name)
        nic = _id(group, "Microsoft.Network/networkInterfaces", f"{name}-nic")
        way: dict[str, Any] = {"primary": True, "privateIPAddress": address}
        if public:
            pip = _id(group, "Microsoft.Network/publicIPAddresses", f"{name}-ip")
            way["publicIPAddress"] = {"id": pip}
            self._add(pip, {"ipAddress": public, "publicIPAllocationMethod": "Static"})
        self._add(nic, {"primary": True, "ipConfigurations": [{"name": "first", "properties": way}]})
        hardware = {"hardwareProfile": {"vmSize": "Standard_B2s"}, "vmId": str(uuid.uuid4())}
        system = {"osProfile": {"computerName": name, "linuxConfiguration": {}}}
        disk = {"storageProfile": {"osDisk": {"name": f"{name}-os", "osType": "Linux"}, "dataDisks": []}}
        network = {"networkProfile": {"networkInterfaces": [{"id": nic, "properties": {"primary": True}}]}}
        self._add(vm, {**hardware, **system, **disk, **network}, tags={"platform": PLATFORM, **tags}, zones=["1"])
        states = [{"code": "ProvisioningState/succeeded"}, {"code": f"PowerState/{power}"}]
        view = {"computerName": name, "osName": "debian", "osVersion": "12", "hyperVGeneration": "V2"}
        self.resources[f"{vm}/instanceView".lower()] = {**view, "statuses": states}
        return vm

    def _add(self, identity: str, properties: dict[str, Any], **more: Any) -> None:
        words = identity.split("/")
        known = {"id": identity, "name": words[8], "type": "/".join(words[6:8]), "location": LOCATION, **more}
        self.resources[identity.lower()] = {**known, "properties": {"provisioningState": "Succeeded", **properties}}

    def answer(self, request: Request) -> Reply:
        """Everything: the login, and resources."""
        if self.is_down:
            return error(503, "ServerTimeout", "The request timed out. Diagnostic information: none.")
        if request.path.startswith(f"/{TENANT}/"):
            return self._login(request)
        if refused := refusal(request):
            return refused
        if "/runCommands/" in request.path and self.run_commands:
            return self.run_commands(request)
        if request.path == "/batch" and request.method == "POST":
            wanted = json.loads(request.body)["requests"]
            return json_reply(200, {"responses": [self._one_of_batch(one) for one in wanted]})
        return self._read(request.target)

    def _login(self, request: Request) -> Reply:
        home = f"https://{LOGIN}/{TENANT}"
        if request.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            ends = {"authorization_endpoint": f"{home}/oauth2/v2.0/authorize", "issuer": f"{home}/v2.0"}
            return json_reply(200, {**ends, "token_endpoint": f"{home}/oauth2/v2.0/token"})
        sent = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if (sent.get("client_id"), sent.get("client_secret")) != (CLIENT, SECRET):
            told = "AADSTS7000215: Invalid client secret provided."
            return json_reply(401, {"error": "invalid_client", "error_description": told, "error_codes": [7000215]})
        given = token(sent["scope"].removesuffix("/.default"))[0]
        return json_reply(200, {"token_type": "Bearer", "expires_in": VALID_S, "access_token": given})

    def _one_of_batch(self, one: dict[str, str]) -> dict[str, Any]:
        reply = self._read(one["url"])
        return {"name": one["name"], "httpStatusCode": reply.status, "content": json.loads(reply.body)}

    def _read(self, target: str) -> Reply:
        path = urlsplit(target).path.lower()
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        words = path.split("/")
        if words[:3] != ["", "subscriptions", SUBSCRIPTION] or words[3:4] != ["resourcegroups"]:
            return error(404, "SubscriptionNotFound", f"The subscription of '{path}' could not be found.")
        if words[4] in self.forbidden:
            told = f"The client '{CLIENT}' does not have authorization to perform action over scope '{path}'."
            return error(403, "AuthorizationFailed", told)
        if words[4] not in self.groups:
            return error(404, "ResourceGroupNotFound", f"Resource group '{words[4]}' could not be found.")
        if "api-version" not in query:
            return error(400, "MissingApiVersionParameter", "The api-version query parameter is required.")
        if path.endswith("/virtualmachines"):
            return self._page(path, query)
        if path not in self.resources:
            return error(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        return json_reply(200, self.resources[path])

    def _page(self, path: str, query: dict[str, str]) -> Reply:
        found = [one for key, one in self.resources.items() if key.rsplit("/", 1)[0] == path]
        first = int(query.get("$skiptoken", "0"))
        page: dict[str, Any] = {"value": found[first : first + PAGE]}
        if first + PAGE < len(found):
            more = urlencode({**query, "$skiptoken": first + PAGE})
            page["nextLink"] = f"https://{MANAGEMENT}{path}?{more}"
        return json_reply(200, page)


@contextlib.contextmanager
def running_resource_manager(directory: Path) -> Iterator[ResourceManager]:
    """Provide an empty subscription until the block ends; certificates are kept in `directory`."""
    names = (LOGIN, MANAGEMENT)
    cloud = ResourceManager(make_authority(directory, *names))
    bundle = directory / "certificates.pem"
    accepted = Path(os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where())
    bundle.write_bytes(accepted.read_bytes() + cloud.authority.ca_file.read_bytes())
    with serving(cloud.answer, cloud.authority.server_context()) as port, leading(names, port) as variables:
        cloud.way = {**variables, "REQUESTS_CA_BUNDLE": str(bundle)}
        yield cloud


def _id(group: str, kind: str, name: str) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{kind}/{name}"
