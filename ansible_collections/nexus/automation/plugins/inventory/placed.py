# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: placed
short_description: Place instances on the machines that a cloud's inventory found
version_added: 0.1.0
author: nexus-ansible contributors
description:
  - Takes the hosts that a source before it discovered, makes them the group C(machines), and tells every instance of
    the inventory which of them it is on.
  - Discovered are the hosts that have the variable C(nexus_discovered), which the source before sets by its option
    C(compose). They are known afterwards by the names that it gives them, and keep no other variable of that source.
  - The same machines always get the same instances, and a machine that comes or goes moves few of the others'.
  - Fails, and names every reason at once, when there are fewer machines than expected, when one is not running, has no
    usable name or address or shares it with another, and when an instance has no machine that will do.
  - Must be read after the source that discovers. Ansible reads the files of a directory in the order of their names.
options:
  plugin:
    description: The name of this plugin.
    required: true
    choices: [nexus.automation.placed]
  environment:
    description: Name of the environment, for messages.
    type: str
    required: true
  at_least:
    description: The number of machines below which the inventory is not used.
    type: int
    default: 1
  labels:
    description:
      - Tags of machines by the label that they are, besides those whose name begins with C(nexus-label-).
    type: dict
    default: {}
  looked_in:
    description:
      - Values by label, each of which one machine at least must have. A source that leaves out what does not answer
        says nothing of it; a place without machines is told then, instead of being passed over.
    type: dict
    default: {}
  services:
    description: What is placed.
    type: list
    elements: dict
    required: true
    suboptions:
      service:
        description: Name of the service. Its instances are called SERVICE-1, SERVICE-2 and so on.
        type: str
        required: true
      instances:
        description: How many there are.
        type: int
        required: true
      resources:
        description: What each instance needs, by C(cpu) (number of CPUs) and C(memory) (bytes).
        type: dict
        default: {}
      machines:
        description: Names of the machines that will do. Empty means all.
        type: list
        elements: str
        default: []
      labels:
        description: Labels that a machine must have, all of them.
        type: dict
        default: {}
      spread:
        description: A label over whose values instances are spread evenly.
        type: str
      max_per_machine:
        description: Instances that one machine may have.
        type: int
      stays:
        description: Whether only one machine may do, because the service has data, or an address that people use.
        type: bool
        default: false
seealso:
  - plugin: amazon.aws.aws_ec2
    plugin_type: inventory
"""

EXAMPLES = r"""
# The last file of inventories/production, after machines.aws_ec2.yml
plugin: nexus.automation.placed
environment: production
at_least: 3
services:
  - {service: backend, instances: 3, labels: {tier: web}}
  - {service: database, instances: 1, machines: [data-1], stays: true}
"""

from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin

from ansible_collections.nexus.automation.plugins.module_utils.discovery import (
    DiscoveryError,
    Found,
    Wanted,
    assign,
    read_machines,
    way,
)
from ansible_collections.nexus.automation.plugins.module_utils.placement import Demand

DISCOVERED = "nexus_discovered"
MACHINES = "machines"


class InventoryModule(BaseInventoryPlugin):
    """The inventory plugin `nexus.automation.placed`."""

    NAME = "nexus.automation.placed"

    def verify_file(self, path: str) -> bool:
        """Only a file whose name says what it is."""
        return super().verify_file(path) and path.endswith(("placed.yml", "placed.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Place what the options name on what was discovered. Raises AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        wanted = self._wanted()
        told = {name: host.vars[DISCOVERED] for name, host in inventory.hosts.items() if DISCOVERED in host.vars}
        taken = {name.replace("-", "_") for name in (*inventory.hosts, *inventory.groups) if name not in told}
        try:
            machines = read_machines(list(told.values()), wanted, frozenset(taken))
            placed = assign(machines, wanted)
        except DiscoveryError as error:
            raise AnsibleParserError(str(error)) from error
        for name in told:
            inventory.remove_host(inventory.hosts[name])
        for machine in machines:
            self._add(machine, [instance for instance, where in placed.items() if where == machine.name])

    def _wanted(self) -> Wanted:
        services: list[dict[str, Any]] = self.get_option("services")
        return Wanted(
            environment=self.get_option("environment"),
            at_least=self.get_option("at_least"),
            label_tags=self.get_option("labels"),
            demands=[_demand(service) for service in services],
            stay=frozenset(service["service"] for service in services if service.get("stays")),
            looked_in=self.get_option("looked_in"),
        )

    def _add(self, machine: Found, instances: list[str]) -> None:
        self.inventory.add_group(MACHINES)
        self.inventory.add_host(machine.name, group=MACHINES)
        key = {} if machine.host_key is None else {"nexus_host_key": machine.host_key}
        where = way(machine.name, machine.address, machine.host)
        common = {**where, **machine.variables, "nexus_machine_id": machine.id, **key}
        for host in (machine.name, *instances):
            for variable, value in common.items():
                self.inventory.set_variable(host, variable, value)
        self.inventory.set_variable(machine.name, "nexus_instances", sorted(instances))
        self.inventory.set_variable(machine.name, "nexus_labels", dict(machine.labels))


def _demand(service: dict[str, Any]) -> Demand:
    return Demand(
        service=service["service"],
        instances=service["instances"],
        resources=service.get("resources") or {},
        machines=tuple(service.get("machines") or ()),
        labels=service.get("labels") or {},
        spread=service.get("spread"),
        max_per_machine=service.get("max_per_machine"),
    )
