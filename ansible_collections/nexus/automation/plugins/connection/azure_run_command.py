# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: azure_run_command
short_description: Run tasks on Azure virtual machines through their managed Run Command
version_added: 0.1.0
author: nexus-ansible contributors
description:
  - Needs no way from the control node to the machine, and no key on it. Commands go through the managed Run Command of
    the virtual machine, files and everything that commands read and write through a container of Blob storage.
  - Credentials are those of the usual Azure chain, the environment (E(AZURE_CLIENT_ID) and its companions), a managed
    identity, or the login of C(az). No key of the storage account is used.
extends_documentation_fragment:
  - nexus.automation.run_command
requirements:
  - The Python packages azure-identity, azure-mgmt-compute and azure-storage-blob on the control node
options:
  subscription:
    description: Id of the machine's subscription.
    type: str
    required: true
    vars:
      - name: ansible_azure_run_command_subscription
    env:
      - name: AZURE_SUBSCRIPTION_ID
  resource_group:
    description: The machine's resource group.
    type: str
    required: true
    vars:
      - name: ansible_azure_run_command_resource_group
  machine:
    description: Name of the virtual machine.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_azure_run_command_machine
  location:
    description: The machine's location, for example V(westeurope). It is looked up when it is not given.
    type: str
    vars:
      - name: ansible_azure_run_command_location
  account_url:
    description: Address of the storage account's blobs, V(https://ACCOUNT.blob.core.windows.net).
    type: str
    required: true
    vars:
      - name: ansible_azure_run_command_account_url
  container:
    description: The container that carries files and output.
    type: str
    required: true
    vars:
      - name: ansible_azure_run_command_container
  management_url:
    description: Address of the Resource Manager, another one in sovereign clouds.
    type: str
    default: https://management.azure.com
    vars:
      - name: ansible_azure_run_command_management_url
seealso:
  - plugin: nexus.automation.aws_run_command
    plugin_type: connection
"""

EXAMPLES = r"""
# In the inventory:
all:
  hosts:
    web-1:
      ansible_connection: nexus.automation.azure_run_command
      ansible_azure_run_command_subscription: 00000000-0000-0000-0000-000000000000
      ansible_azure_run_command_resource_group: example
      ansible_azure_run_command_account_url: https://examplestore.blob.core.windows.net
      ansible_azure_run_command_container: run-command
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.nexus.automation.plugins.plugin_utils.run_command.plugin import RunCommandConnection

SETTINGS = (
    "subscription",
    "resource_group",
    "machine",
    "location",
    "account_url",
    "container",
    "prefix",
    "management_url",
)


class Connection(RunCommandConnection):
    """The connection `nexus.automation.azure_run_command`."""

    cloud = "azure"
    transport = "nexus.automation.azure_run_command"

    def _settings(self) -> Mapping[str, Any]:
        return {name: self.get_option(name) for name in SETTINGS}
