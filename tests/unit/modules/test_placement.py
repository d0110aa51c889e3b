# SPDX-License-Identifier: Apache-2.0
"""Instances are spread, limits hold, and a small change of the platform moves few of them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.nexus.automation.plugins.module_utils.placement import (
    Demand,
    Machine,
    Shortage,
    eligible,
    place,
)


def _machines(count: int, zones: int = 1, **capacity: float) -> list[Machine]:
    return [Machine(f"m{number}", {"zone": f"z{number % zones}"}, capacity) for number in range(count)]


def _loads(placed: dict[str, str], service: str) -> Counter[str]:
    return Counter(machine for instance, machine in placed.items() if instance.rpartition("-")[0] == service)


def _placed(machines: list[Machine], *demands: Demand) -> dict[str, str]:
    assignment = place(machines, demands)
    assert assignment.shortages == ()
    return dict(assignment.machines)


def _platforms(count: int, most: int) -> Iterator[tuple[list[Machine], list[Demand]]]:
    """Random platforms, the same each time: up to 20 machines in 3 zones, up to 12 services of up to `most`."""
    numbers = random.Random(2017)
    for case in range(count):
        size = numbers.randint(6, 20)
        machines = [Machine(f"case{case}-{number}", {"zone": f"z{number % 3}"}) for number in range(size)]
        spread = [None, "zone"]
        demands = [
            Demand(f"s{case}-{number}", numbers.randint(1, most), spread=numbers.choice(spread))
            for number in range(numbers.randint(1, 12))
        ]
        yield machines, demands


demands = st.lists(
    st.builds(
        Demand,
        service=st.sampled_from([f"s{number}" for number in range(8)]),
        instances=st.integers(0, 12),
        resources=st.fixed_dictionaries({}, optional={"cpu": st.sampled_from([0.1, 0.5, 2]), "memory": st.just(1e9)}),
        labels=st.sampled_from([{}, {"zone": "z1"}]),
        spread=st.sampled_from([None, "zone"]),
        max_per_machine=st.sampled_from([None, 1, 3]),
    ),
    max_size=8,
    unique_by=lambda demand: demand.service,
)


def test_weights_stay_what_they_are() -> None:
    placed = _placed(_machines(4, zones=2), Demand("api", 5), Demand("web", 3, spread="zone"))

    # With other ones, the instances of every platform there is would move.
    assert placed == {
        "api-1": "m0",
        "api-2": "m1",
        "api-3": "m3",
        "api-4": "m2",
        "api-5": "m1",
        "web-1": "m2",
        "web-2": "m1",
        "web-3": "m0",
    }


@pytest.mark.parametrize(("instances", "machines"), [(3, 3), (3, 7), (6, 3), (7, 4), (20, 10), (50, 100)])
def test_up_to_two_on_each_machine_no_machine_has_two_more_than_another(instances: int, machines: int) -> None:
    loads = _loads(_placed(_machines(machines), Demand("api", instances)), "api")

    every = [loads[f"m{number}"] for number in range(machines)]
    assert max(every) - min(every) <= 1


@pytest.mark.parametrize(("instances", "machines"), [(30, 3), (100, 7), (1_000, 10)])
def test_many_on_each_machine_are_bounded_by_a_quarter_above_the_mean(instances: int, machines: int) -> None:
    loads = _loads(_placed(_machines(machines), Demand("api", instances)), "api")

    assert max(loads.values()) <= -(-instances * 5 // (machines * 4))


@pytest.mark.parametrize("instances", [2, 3, 4, 10, 31])
def test_spread_fills_zones_evenly_whatever_their_number_of_machines(instances: int) -> None:
    machines = [Machine("alone", {"zone": "a"})]
    machines += [Machine(f"b{number}", {"zone": "b"}) for number in range(5)]

    placed = _placed(machines, Demand("api", instances, spread="zone"))

    by_zone = Counter(machine[0] for machine in placed.values())
    assert abs(by_zone["a"] - by_zone["b"]) <= 1


def test_the_order_of_machines_and_services_does_not_matter() -> None:
    for machines, wanted in _platforms(20, most=10):
        assert place(machines[::-1], wanted[::-1]) == place(machines, wanted)


@given(demands, st.integers(0, 12), st.integers(0, 12))
def test_scaling_a_service_moves_no_instance_that_stays(wanted: list[Demand], before: int, after: int) -> None:
    machines = _machines(5, zones=2)
    scaled = Demand("scaled", before)

    one = place(machines, [*wanted, scaled]).machines
    other = place(machines, [*wanted, replace(scaled, instances=after)]).machines

    kept = one.keys() & other.keys()
    assert {instance: one[instance] for instance in kept} == {instance: other[instance] for instance in kept}
    assert {instance for instance in one if not instance.startswith("scaled")} <= kept


@pytest.mark.parametrize(("most", "others"), [(6, 0.03), (40, 0.15)])
def test_a_new_machine_moves_what_goes_to_it_and_little_more(most: int, others: float) -> None:
    total = moved = gained = 0
    for machines, wanted in _platforms(100, most):
        before = _placed(machines, *wanted)
        after = _placed([*machines, Machine("new", {"zone": "z1"})], *wanted)
        total += len(before)
        gained += sum(machine == "new" for machine in after.values())
        moved += sum(after[instance] not in {machine, "new"} for instance, machine in before.items())

    assert gained > 0.05 * total
    assert moved < others * total


@pytest.mark.parametrize(("most", "others"), [(6, 0.03), (40, 0.15)])
def test_a_lost_machine_moves_its_own_instances_and_little_more(most: int, others: float) -> None:
    total = moved = own = 0
    for machines, wanted in _platforms(100, most):
        before = _placed(machines, *wanted)
        after = _placed(machines[1:], *wanted)
        lost = {instance for instance, machine in before.items() if machine == machines[0].name}
        total += len(before)
        own += len(lost)
        moved += sum(after[instance] != machine for instance, machine in before.items() if instance not in lost)

    assert own > 0.05 * total
    assert moved < others * total


@given(demands, st.integers(1, 6))
def test_no_limit_is_exceeded_and_whatever_is_missing_is_told(wanted: list[Demand], count: int) -> None:
    machines = _machines(count, zones=2, cpu=4, memory=6e9, instances=10)

    assignment = place(machines, wanted)

    by_name = {demand.service: demand for demand in wanted}
    zone = {machine.name: machine.labels["zone"] for machine in machines}
    for machine in machines:
        here = [by_name[one.rpartition("-")[0]] for one, where in assignment.machines.items() if where == machine.name]
        assert len(here) <= 10
        assert sum(demand.resources.get("cpu", 0) for demand in here) <= 4 + 1e-6
        assert sum(demand.resources.get("memory", 0) for demand in here) <= 6e9
        for demand in here:
            assert demand.labels.items() <= machine.labels.items()
    short = {shortage.service: shortage for shortage in assignment.shortages}
    for demand in wanted:
        loads = _loads(dict(assignment.machines), demand.service)
        assert max(loads.values(), default=0) <= (demand.max_per_machine or 10)
        assert {zone[machine] for machine in loads} <= {demand.labels.get("zone", zone[machine]) for machine in loads}
        missing = demand.instances - sum(loads.values())
        assert (demand.service in short) == (missing > 0)
        if missing:
            assert sum(short[demand.service].reasons.values()) == count


def test_what_has_no_room_is_told_with_the_reasons_of_all_machines() -> None:
    machines = [
        Machine("a", {"zone": "z0", "disk": "fast"}, {"memory": 2, "cpu": 8}),
        Machine("b", {"zone": "z0", "disk": "slow"}),
        Machine("c", {"disk": "fast"}),
        Machine("d", {"zone": "z1", "disk": "fast"}, {"cpu": 0.5}),
        Machine("e", {"zone": "z1", "disk": "fast"}),
    ]
    demand = Demand("api", 9, {"memory": 1, "cpu": 1}, labels={"disk": "fast"}, spread="zone", max_per_machine=3)

    assert place(machines, [demand]).shortages == (
        Shortage(
            "api",
            9,
            5,
            {
                'label disk is not "fast"': 1,
                "less cpu than an instance needs": 1,
                "max_per_machine is reached": 1,
                "no label zone to spread over": 1,
                "not enough memory left": 1,
            },
        ),
    )
    assert [machine.name for machine in eligible(machines, demand)] == ["a", "e"]


def test_a_machine_that_is_named_is_the_only_one() -> None:
    machines = _machines(3)

    assert _placed(machines, Demand("db", 1, machines=("m2",))) == {"db-1": "m2"}
    assert place(machines, [Demand("db", 1, machines=("m9",))]).shortages == (
        Shortage("db", 1, 0, {"not named in placement.machines": 3}),
    )


def test_services_with_less_choice_come_first() -> None:
    machines = [Machine("big", {"disk": "fast"}, {"instances": 2}), Machine("small", {}, {"instances": 2})]

    placed = _placed(machines, Demand("anywhere", 2), Demand("picky", 2, labels={"disk": "fast"}))

    assert [placed["picky-1"], placed["picky-2"]] == ["big", "big"]


def test_five_thousand_instances_find_their_machines() -> None:
    wanted = [Demand(f"s{number}", 50, {"cpu": 0.5}, spread="zone") for number in range(100)]

    placed = _placed(_machines(100, zones=3, cpu=30), *wanted)

    assert len(placed) == 5_000
    assert max(Counter(placed.values()).values()) <= 60
