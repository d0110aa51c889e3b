# SPDX-License-Identifier: Apache-2.0
"""What a cloud tells of machines, read strictly, and instances placed on them as on machines that are written down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.discovery import (
    DiscoveryError,
    Found,
    Wanted,
    assign,
    read_machines,
)
from ansible_collections.nexus.automation.plugins.module_utils.placement import Demand, Machine, place

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFXK6QLQ5wF0knUjlehVKGHDHy39Gats3/l04pwn4REi"
NOTHING_TAKEN: frozenset[str] = frozenset()


def _told(number: int, **changes: Any) -> dict[str, Any]:
    told = {"id": f"i-{number}", "name": f"web-{number}", "address": f"10.0.0.{number}", "host": f"10.0.0.{number}"}
    return {**told, "state": "running", "labels": {"zone": f"z{number % 2}"}, "tags": {}, **changes}


def _wanted(*demands: Demand, at_least: int = 1, stay: tuple[str, ...] = (), **labels: str) -> Wanted:
    return Wanted("lab", at_least, labels, demands, frozenset(stay))


def _read(*told: dict[str, Any], **labels: str) -> list[Found]:
    return read_machines(told, _wanted(**labels), NOTHING_TAKEN)


def test_tags_are_labels_capacity_and_a_host_key() -> None:
    tags = {"nexus-label-tier": "web", "Storage": "fast", "nexus-capacity-memory": "4Gi", "nexus-host-key": f"{KEY} me"}

    (machine,) = _read(_told(1, tags=tags), disk="Storage")

    assert machine.labels == {"zone": "z1", "tier": "web", "disk": "fast"}
    assert machine.capacity == {"memory": 4 * 2**30}
    assert machine.host_key == KEY


def test_machines_are_read_in_the_order_of_their_names() -> None:
    assert [machine.name for machine in _read(_told(3), _told(1), _told(2))] == ["web-1", "web-2", "web-3"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": ""}, "a machine without a name (i-1): not a name"),
        ({"name": "web/1"}, "web/1 (i-1): not a name of lower-case letters"),
        ({"state": "stopping"}, "web-1 (i-1): is stopping, not running"),
        ({"host": ""}, "web-1 (i-1): has no host to be reached at"),
        ({"address": "10.0.0.1 -o ProxyCommand=x"}, "web-1 (i-1): has no address to be reached at"),
        ({"tags": {"nexus-capacity-gpu": "1"}}, "there is no tag nexus-capacity-gpu"),
        ({"tags": {"nexus-capacity-cpu": "two"}}, 'the tag nexus-capacity-cpu is "two"'),
        ({"tags": {"nexus-host-key": "ssh-ed25519 $(reboot)"}}, "the tag nexus-host-key is not a public key"),
    ],
)
def test_a_machine_that_cannot_be_used_is_told_with_its_id(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DiscoveryError) as raised:
        _read(_told(1, **changes))

    assert told in str(raised.value)
    assert str(raised.value).startswith("environment lab: ")


def test_a_place_without_machines_is_told_however_many_others_have() -> None:
    groups = {"resource_group": ["data", "web"]}
    told = [_told(number, labels={"resource_group": "web"}) for number in (1, 2)]

    with pytest.raises(DiscoveryError) as raised:
        read_machines(told, replace(_wanted(), looked_in=groups), NOTHING_TAKEN)

    assert "no machine was found in the resource group data: it does not exist" in str(raised.value)
    assert "resource group web" not in str(raised.value)


def test_what_a_connection_has_to_know_of_a_machine_stays_with_it() -> None:
    (machine,) = _read(_told(1, variables={"ansible_aws_run_command_instance": "i-1"}))

    assert machine.variables == {"ansible_aws_run_command_instance": "i-1"}


def test_machines_of_one_name_or_address_are_told_with_both_ids() -> None:
    with pytest.raises(DiscoveryError) as raised:
        _read(_told(1), _told(2, name="web-1"), _told(3, address="10.0.0.2"))

    assert "the name web-1 belongs to i-1 and i-2" in str(raised.value)
    assert "the address 10.0.0.2 belongs to i-2 and i-3" in str(raised.value)


def test_a_name_that_the_inventory_has_already_is_refused() -> None:
    with pytest.raises(DiscoveryError, match="a service, an instance or a group of the inventory"):
        read_machines([_told(1)], _wanted(), frozenset({"web_1"}))


def test_instances_are_placed_as_on_machines_that_are_written_down() -> None:
    machines = _read(*(_told(number) for number in range(1, 6)))
    demands = [Demand("api", 7, spread="zone"), Demand("db", 1, machines=("web-3",))]

    placed = assign(machines, _wanted(*demands, stay=("db",)))

    assert placed == place([Machine(one.name, one.labels, one.capacity) for one in machines], demands).machines


def test_a_service_that_stays_must_have_one_machine_to_stay_on() -> None:
    machines = _read(_told(1), _told(2))

    with pytest.raises(DiscoveryError, match='"db" must stay on one machine, and 2 would do: web-1, web-2'):
        assign(machines, _wanted(Demand("db", 1), stay=("db",)))


def test_an_instance_without_a_machine_is_told_with_the_reasons() -> None:
    with pytest.raises(DiscoveryError, match="1 of the machines: not named in"):
        assign(_read(_told(1)), _wanted(Demand("db", 1, machines=("data-1",))))
