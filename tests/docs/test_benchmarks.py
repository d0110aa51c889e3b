# SPDX-License-Identifier: Apache-2.0
"""The benchmarks can be run, and the figures that are published are all there. Nothing is timed here."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks.measuring import Row, fewer

BENCHMARKS = Path(bench.__file__).parent
SHARED = {"__init__", "__main__", "kapitan", "measuring", "projects"}
WORKS = (
    "compile 1,000 services x 3 environments, cold",
    "compile 1,000 services x 3 environments, nothing changed",
    "compile 5,000 services x 3 environments, cold",
    "`ansible-inventory --list` of our compiled 10,000-host inventory",
    "`nexus-ansible --help`",
    "`apply` of 50 hosts x 20 `debug` tasks, CPU",
    "`apply` of 50 hosts x 20 `debug` tasks, wall",
    "`apply` of 1 host x 1 task, wall",
    "20 command tasks x 10 hosts with the accelerated strategy, CPU",
    "health of 200 HTTP targets in one task",
    "ledger append, 2 KB records, durable in groups of 1,000",
    "ledger append, 2 KB records, durable in groups of 50",
    "ledger verify, 100,000 records",
    "rolling update of the backend under steady load through the proxy",
)


def table() -> list[list[str]]:
    lines = bench.RESULTS.read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


def test_every_module_is_measured_or_shared_by_those_that_are() -> None:
    assert {path.stem for path in BENCHMARKS.glob("*.py")} == {*bench.MODULES, *SHARED}


@pytest.mark.parametrize("name", bench.MODULES)
def test_every_module_offers_rows(name: str) -> None:
    rows = importlib.import_module(f"benchmarks.{name}").rows
    assert list(inspect.signature(rows).parameters) == ["rounds"]


@pytest.mark.parametrize("work", WORKS)
def test_the_results_have_every_figure_with_its_target_and_verdict(work: str) -> None:
    ((_, ours, peer, _, target, met),) = [row for row in table() if row[0] == work]
    assert "" not in {ours, peer, target}
    assert met in {"yes", "**no**"}


def test_the_results_tell_machine_versions_date_and_commit() -> None:
    text = bench.RESULTS.read_text("utf-8")
    assert [what for what in (", commit ", "Linux-", "Python 3.", *bench.PACKAGES) if what not in text] == []


def test_an_unknown_name_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main(["compil"])
    assert ended.value.code == 2
    assert "there is no compil; known: compile, inventory" in capsys.readouterr().err


@pytest.mark.parametrize(("ours", "met"), [(2.0, True), (3.0, False)])
def test_a_row_says_whether_its_target_was_met(ours: float, met: bool) -> None:
    row = fewer("work", ours, 8.0, "peer", 4)
    assert row == Row("work", f"{ours:.2f} CPU s", "peer: 8.00 CPU s", row.ratio, ">= 4x fewer", met)
