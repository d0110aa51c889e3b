# SPDX-License-Identifier: Apache-2.0
"""`pip install` of the wheel, `init`, `apply`: away from any checkout, for root and others, on every Python."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packaging.installation import Case, Installation, cases, install, processes_below

pytestmark = [pytest.mark.platform, pytest.mark.timeout(1800)]


def parameter(case: Case) -> object:
    """A case, its tests kept together in one process."""
    name = f"{case.name}, Python {case.version}"
    return pytest.param(case, id=name, marks=pytest.mark.xdist_group(f"installed: {name}"))


@pytest.fixture(scope="module", params=[parameter(case) for case in cases()])
def installed(request: pytest.FixtureRequest, wheel: Path) -> Iterator[Installation]:
    """The platform of the example project, up; taken down at the end, when nothing may be left running."""
    directory = Path(tempfile.mkdtemp(prefix="nexus-"))  # pytest's own lies below a private directory
    try:
        installation = install(request.param, wheel, directory)
        installation.nexus("compile")
        try:
            applied = installation.nexus("apply", "production", "--yes")
            assert f"http://127.0.0.1:{installation.port}/" in applied.stdout
            yield installation
        finally:
            installation.nexus("down", "production", "--yes")
        assert list(processes_below(directory)) == []
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_the_project_is_valid_and_compiled_and_nothing_of_a_checkout_is_used(installed: Installation) -> None:
    told = json.loads(installed.nexus("validate", "--json").stdout)
    assert told["valid"] is True
    assert installed.nexus("compile", "--check").stdout.endswith("all up to date\n")
    assert installed.project.stat().st_uid == (installed.directory / "home").stat().st_uid


def test_a_second_project_is_compiled_as_it_stands(installed: Installation) -> None:
    home = installed.directory / "home"
    installed.nexus("init", "untouched", at=home)
    installed.nexus("compile", "--check", at=home / "untouched")
    assert len(list((home / "untouched" / "config" / "schemas").glob("*.json"))) == 5


def test_the_page_answers_and_every_instance_is_healthy(installed: Installation) -> None:
    assert "visits" in installed.page()
    assert {name: row["health"] for name, row in installed.instances().items()} == dict.fromkeys(
        ["backend-1", "database-1", "frontend-1", "proxy-1", "redis-1"], "healthy"
    )


def test_a_second_apply_changes_nothing(installed: Installation) -> None:
    assert " changed=0 " in installed.nexus("apply", "production", "--yes").stdout


def test_what_happened_is_in_a_ledger_that_verifies(installed: Installation) -> None:
    told = json.loads(installed.nexus("audit", "log", "--json").stdout)
    assert {"run_started", "run_ended"} <= {record["kind"] for record in told}
    installed.nexus("audit", "verify", "--integrity-only")
