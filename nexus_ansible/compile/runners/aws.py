# SPDX-License-Identifier: Apache-2.0
"""Machines of Amazon EC2, found by the inventory plugin `amazon.aws.aws_ec2`.

Its options: https://docs.ansible.com/ansible/latest/collections/amazon/aws/aws_ec2_inventory.html. Filters are those of
EC2: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.compile.runners.discovered import DiscoveredRunner
from nexus_ansible.compile.runners.object_store import ObjectStore
from nexus_ansible.compile.runners.run_command import RunCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.model.platform import Environment
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

_HOST = {"private": "private_ip_address", "public": "public_ip_address"}


class AwsRunner(DiscoveredRunner):
    """Credentials come from where the vendor's own tools take them."""

    name = "aws"
    settings = DiscoveredRunner.settings | {"aws"}
    passes = frozenset({"AWS_*"})
    search: Mapping[str, str] = {"regions": "[eu-central-1]", "filters": '{"tag:platform": production}'}
    options = frozenset({"name_tag"})
    run_command = RunCommand(
        store=ObjectStore("aws", {"bucket": "example-run-command"}),
        machine={"instance": "instance_id", "region": "placement.region"},
    )

    def requires(self, environment: Environment) -> tuple[str, ...]:  # noqa: ARG002
        """The cloud's client, and its inventory plugin."""
        return ("boto3", "ansible_collections.amazon.aws")

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """Machines of one region only have a bucket in theirs."""
        yield from super().check(registries, path)
        discovery: Mapping[str, Any] = registries.get((*path, "discovery"), {})
        if "store" in discovery and len(discovery.get("regions", ())) > 1:
            what = "a bucket is in one region, and machines of others cannot use it as the store"
            hint = "Look in one region, and have an environment for each of the others; or take out the store."
            yield registries.problem((*path, "discovery", "regions"), what, hint)

    def artefacts(self, discovery: Discovery) -> dict[str, Any]:
        """The bucket is where the machines are."""
        return {**super().artefacts(discovery), "region": discovery.search["regions"][0]}

    def variables(self, environment: Environment) -> dict[str, Any]:
        """What machines need, and the alarms that a deployment is verified by."""
        alarms = _alarms(environment)
        return {**super().variables(environment), **({"deployment_alarms": alarms} if alarms else {})}

    def sources(self, discovery: Discovery) -> dict[str, dict[str, Any]]:
        """A source for each region, so that one that does not answer is told by its name.

        Hosts are called by the id that AWS gives them, because names need not differ there.
        """
        tag = discovery.search.get("name_tag", "Name")
        labels = '{"region": placement.region, "zone": placement.availability_zone, "type": instance_type}'
        machine = {
            "id": "instance_id",
            "name": f'tags.get("{tag}", "")',
            "address": 'private_ip_address | default("", true)',
            "host": f'{_HOST[discovery.address]} | default("", true)',
            "state": "state.name",
            "labels": labels,
            "tags": "tags",
        }
        options = {
            "plugin": "amazon.aws.aws_ec2",
            "filters": dict(discovery.search["filters"]),
            "strict_permissions": True,
            "hostnames": ["instance-id"],
            "strict": True,
            "compose": self.composed(machine, discovery),
        }
        regions = discovery.search["regions"]
        return {f"machines.{region}.aws_ec2.yml": {**options, "regions": [region]} for region in sorted(regions)}


def _alarms(environment: Environment) -> list[dict[str, str]]:
    """Targets of the module `service_health`."""
    return [
        {"name": alarm["name"], "kind": "cloudwatch_alarm", "alarm": alarm["name"], "region": alarm["region"]}
        for alarm in environment.settings.get("alarms", ())
    ]
