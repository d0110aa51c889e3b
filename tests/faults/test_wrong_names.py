# SPDX-License-Identifier: Apache-2.0
"""Every command with a name that does not exist: what is known, what was probably meant, the documented code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.faults.command import nexus, records, said_plainly, tree
from tests.projects import make_project, write_yaml

MEANT_LAB = 'Did you mean "lab"?'
CASES: list[tuple[str, int, tuple[str, ...]]] = [
    ("aply lab", 2, ('no command "aply". Did you mean "apply"?',)),
    ("audit sho x", 2, ('no command "sho". Did you mean "show"?',)),
    ("run chores.daily --limt x", 2, ("No such option '--limt'. Did you mean '--limit'?",)),
    ("plan lba", 7, ('unknown environment "lba"', MEANT_LAB)),
    ("apply lba --yes", 7, ('unknown environment "lba"', MEANT_LAB)),
    ("down lba --yes", 7, ('unknown environment "lba"', MEANT_LAB)),
    ("status lba", 7, ('unknown environment "lba"', MEANT_LAB)),
    ("graph lba", 7, ('unknown environment or workflow "lba"', MEANT_LAB)),
    ("explain automation --env lba", 7, ('unknown environment "lba"', MEANT_LAB)),
    ("run chores.daily --env lba", 7, ('unknown environment "lba"', MEANT_LAB)),
    ("run chores.dayly", 7, ('unknown workflow "chores.dayly"', 'Did you mean "chores.daily"?')),
    ("run chores", 7, ('unknown workflow "chores"', 'Did you mean "chores.daily"?')),
    ("run deployment", 7, ('unknown workflow "deployment"', 'Did you mean "deployment.lab"?')),
    ("run chores.daily --step frist", 7, ('unknown step "frist" of chores.daily', 'Did you mean "first"?')),
    ("run chores.daily --from-step frist", 7, ('unknown step "frist" of chores.daily', 'Did you mean "first"?')),
    ("plan lab --step frist", 7, ('unknown step "frist" of deployment.lab', 'Did you mean "first"?')),
    ("apply lab --yes --from-step frist", 7, ('unknown step "frist" of deployment.lab', 'Did you mean "first"?')),
    ("run chores.daily --limit cahce", 7, ('unknown host or group "cahce"', 'Did you mean "cache"?')),
    ("apply lab --yes --limit cache-2", 7, ('unknown host or group "cache-2"', 'Did you mean "cache-1"?')),
    ("plan lab --limit cache,!cahce-1", 7, ('unknown host or group "cahce-1"', 'Did you mean "cache-1"?')),
    ("run chores.daily --limit zz*", 7, ('unknown host or group "zz*"',)),
    ("run chores.daily --limit ,", 7, ('--limit "," names no host.',)),
    ("apply lab --yes --plan 0123456789ab", 7, ('There is no plan "0123456789ab".', "`nexus-ansible plan lab`")),
    ("apply lab --yes --plan ../../x", 7, ('There is no plan "../../x".',)),
    ("resume 20010101", 7, ('no run "20010101".', "Latest runs: ")),
    ("resume /etc/passwd", 7, ('no run "/etc/passwd".',)),
    ("resume *", 7, ('no run "*".',)),
    ("resume 2", 7, ('"2" is the beginning of 2 runs.',)),
    ("audit show zz", 7, ('no run "zz".',)),
    ("audit show 99999", 7, ("no record 99999",)),
    ("audit prove 99999", 7, ("no record 99999",)),
    ("audit prove x", 2, ("'x' is not a valid integer",)),
    ("audit log --since yesterdy", 2, ('"yesterdy" is not a date, a time or a duration such as 2h',)),
    ("audit erase --reason x --yes", 2, ("say what to erase",)),
    ("explain orchestration.servces", 7, ('unknown key "servces" in orchestration', 'Did you mean "services"?')),
    ("explain orchestraton", 7, ('unknown registry "orchestraton"', 'Did you mean "orchestration"?')),
    ("explain a..b", 7, ('"a..b" is not a path',)),
    ("completion zsch", 2, ("'zsch' is not one of 'bash', 'zsh', 'fish'",)),
    ("status --runs -3", 2, ("-3 is not in the range x>=0",)),
    ("validate --project /nowhere", 4, ("/nowhere: no config/ssot here or above.",)),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a service, a deployment, and two runs."""
    steps = {step: [{"name": "Say", "ansible.builtin.debug": {"msg": step}}] for step in ("first", "second")}
    service = {"capability": "redis", "settings": {"password": "${CACHE_PASSWORD}"}}
    project = make_project(
        tmp_path_factory.mktemp("shop") / "project",
        steps,
        {"orchestration": {"orchestration": {"services": {"cache": service}}}},
    )
    workflows = {
        "chores": {"daily": {"steps": list(steps)}, "weekly": {"steps": list(steps), "environment": "lab"}},
        "deployment": {"lab": {"role": "chores", "steps": list(steps)}},
    }
    automation = {"automation": {"project": "lab", "workflows": workflows}}
    write_yaml(project / "config" / "ssot" / "automation_registry.yaml", automation)
    for _ in range(2):
        assert nexus(project, "run", "chores.daily").returncode == 0
    return project


@pytest.fixture
def own_shop(shop: Path, tmp_path: Path) -> Path:
    """A copy of the shop for a test that runs something: others count the runs of the shop, in any order."""
    return Path(shutil.copytree(shop, tmp_path / "project"))


@pytest.mark.parametrize(("line", "code", "told"), CASES, ids=[line for line, _, _ in CASES])
def test_a_wrong_name_is_told_and_nothing_happens(shop: Path, line: str, code: int, told: tuple[str, ...]) -> None:
    before = tree(shop)
    done = nexus(shop, *line.split())
    assert said_plainly(done, code, *told)
    assert done.stdout == ""
    assert tree(shop) == before


@pytest.mark.parametrize(
    "line",
    [
        "plan lba",
        "apply lba",
        "run chores.dayly",
        "resume 2001",
        "status lba",
        "explain orchestration.servces",
        "graph lba",
        "down lba",
        "audit show zz",
        "audit prove 99999",
    ],
)
def test_json_output_is_empty_where_nothing_ran(shop: Path, line: str) -> None:
    done = nexus(shop, *line.split(), "--json")
    assert said_plainly(done, 7)
    assert done.stdout == ""


def test_json_output_of_a_failed_run_is_json_alone(own_shop: Path) -> None:
    done = nexus(own_shop, "run", "chores.daily", "--limit", "cache,!cache-*", "--json")
    assert done.returncode == 6
    assert done.stderr == ""
    assert json.loads(done.stdout)["outcome"] == "failed"
    assert "no hosts to target" in json.loads(done.stdout)["message"]


def test_a_plan_binds_environment_limit_and_steps(shop: Path) -> None:
    made = json.loads(nexus(shop, "plan", "lab", "--static", "--json", "--step", "first").stdout)["plan"]
    stale = nexus(shop, "apply", "lab", "--yes", "--plan", made)
    assert said_plainly(stale, 5, f"Plan {made} is stale: steps changed since")
    known = len(records(shop))
    assert said_plainly(nexus(shop, "apply", "lab", "--yes", "--plan", made, "--limit", "cache"), 5, "limit, steps")
    assert len(records(shop)) == known


def test_a_run_that_ended_well_is_not_resumed(shop: Path) -> None:
    run = next(record["run"] for record in records(shop) if record["kind"] == "run_ended")
    assert said_plainly(nexus(shop, "resume", run), 7, f"Run {run} is ok; there is nothing to go on with.")


def test_a_workflow_that_no_registry_names_can_be_run(own_shop: Path) -> None:
    assert said_plainly(nexus(own_shop, "run", "platform.status"), 0)
    assert records(own_shop)[-1]["workflow"] == "platform.status"


def test_a_filter_with_a_name_that_no_record_has_says_so(shop: Path) -> None:
    done = nexus(shop, "audit", "log", "--env", "lba", "--json")
    assert said_plainly(done, 0, 'unknown env "lba"', MEANT_LAB)
    assert json.loads(done.stdout) == []
    assert nexus(shop, "audit", "log", "--env", "lab", "--since", "0s").stderr == ""
