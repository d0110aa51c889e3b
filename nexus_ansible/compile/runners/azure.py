# SPDX-License-Identifier: Apache-2.0
"""Virtual machines of Azure, found by the inventory plugin `azure.azcollection.azure_rm`.

Its options: https://docs.ansible.com/ansible/latest/collections/azure/azcollection/azure_rm_inventory.html. It leaves
out, and says nothing of, a resource group that does not exist or that the credentials may not read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.runners.discovered import DiscoveredRunner
from nexus_ansible.compile.runners.object_store import ObjectStore
from nexus_ansible.compile.runners.run_command import RunCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.model.platform import Environment

_HOST = {"private": "private_ipv4_addresses", "public": "public_ipv4_address"}
# Without any one of them the plugin ends, because it loads what all modules of its collection need.
_SERVICES = (
    *("authorization", "automation", "batch", "cdn", "compute", "containerinstance", "containerregistry"),
    *("containerservice", "datafactory", "dns", "eventhub", "iothub", "loganalytics", "managementgroups"),
    *("marketplaceordering", "monitor", "mysqlflexibleservers", "network", "notificationhubs"),
    *("postgresqlflexibleservers", "privatedns", "rdbms", "recoveryservicesbackup", "resource.locks"),
    *("resource.subscriptions", "resourcehealth", "search", "servicebus", "sql", "storage", "trafficmanager", "web"),
)


class AzureRunner(DiscoveredRunner):
    """Credentials come from where the vendor's collection and its clients take them."""

    name = "azure"
    passes = frozenset({"AZURE_*", "IDENTITY_*", "MSI_*"})
    search: Mapping[str, str] = {"resource_groups": "[production]"}
    options = frozenset({"management_url", "name_tag", "subscription", "tags"})
    run_command = RunCommand(
        store=ObjectStore(
            "azure", {"account_url": "https://ACCOUNT.blob.core.windows.net", "container": "run-command"}
        ),
        machine={
            "subscription": 'id.split("/")[2]',
            "resource_group": 'id.split("/")[4]',
            "machine": "name",
            "location": "location",
        },
        settings=("management_url",),
    )

    def requires(self, environment: Environment) -> tuple[str, ...]:  # noqa: ARG002
        """The cloud's clients, and its inventory plugin."""
        clients = (f"azure.mgmt.{service}" for service in _SERVICES)
        others = ("azure.cli.core", "azure.identity", "azure.storage.blob", "msgraph", "netaddr")
        return (*clients, *others, "ansible_collections.azure.azcollection")

    def sources(self, discovery: Discovery) -> dict[str, dict[str, Any]]:
        """A source for each resource group, so that one that does not answer is told by its name.

        Hosts are called by the id that Azure gives their hardware, because names differ within one group only.
        """
        tag, subscription = discovery.search.get("name_tag"), discovery.search.get("subscription")
        zone = '(availability_zone or [""]) | first'
        labels = f'"location": location, "zone": {zone}, "size": virtual_machine_size, "resource_group": resource_group'
        machine = {
            "id": "id",
            "name": f'tags.get({json.dumps(tag)}, "")' if tag else "name",
            "address": 'private_ipv4_addresses | first | default("", true)',
            "host": f'{_HOST[discovery.address]} | first | default("", true)',
            "state": "powerstate",
            "labels": f"{{{labels}}}",
            "tags": "tags",
        }
        options = {
            "plugin": "azure.azcollection.azure_rm",
            **({"subscription_id": subscription} if subscription else {}),
            "hostnames": ["vmid"],
            "default_host_filters": [],
            "compose": self.composed(machine, discovery),
        }
        return {
            f"machines.{group}.azure_rm.yml": {
                **options,
                "include_vm_resource_groups": [group],
                "include_host_filters": [_condition(group, discovery.search)],
            }
            for group in sorted(discovery.search["resource_groups"])
        }

    def looked_in(self, discovery: Discovery) -> dict[str, list[str]]:
        """Every resource group."""
        return {"resource_group": sorted(discovery.search["resource_groups"])}


def _condition(group: str, search: Mapping[str, Any]) -> str:
    """What holds for a machine that is wanted; variables of the caller's may have the plugin look elsewhere, too."""
    wanted: dict[str, Any] = {"resource_group": group}
    if "subscription" in search:
        wanted['id.split("/")[2] | lower'] = search["subscription"]
    for name, value in search.get("tags", {}).items():
        wanted[f'tags.get({json.dumps(name)}, "")'] = value
    return " and ".join(
        f"{of} in {json.dumps(value if isinstance(value, list) else [value])}" for of, value in wanted.items()
    )
