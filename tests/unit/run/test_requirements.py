# SPDX-License-Identifier: Apache-2.0
"""What a runner needs is found wherever Ansible finds it, and told when it is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.compile.project import check_project
from nexus_ansible.compile.runners import RUNNERS
from nexus_ansible.compile.runners.local import LocalRunner
from nexus_ansible.errors import RefusedError
from nexus_ansible.run.requirements import require_installed
from tests.projects.registry_text import write_registries

if TYPE_CHECKING:
    from pathlib import Path

    from nexus_ansible.model.platform import Environment
    from nexus_ansible.project import Project

REGISTRY = "orchestration: {services: {api: {}}, environments: {lab: {}}}"


class Drums(LocalRunner):
    """A runner with needs."""

    def requires(self, environment: Environment) -> tuple[str, ...]:  # noqa: ARG002
        """What nobody has, in part."""
        return ("yaml", "drums.sticks", "ansible_collections.acme.drums", "ansible_collections.nexus.automation")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, Environment]:
    """A project whose environment is on drums."""
    monkeypatch.delenv("ANSIBLE_COLLECTIONS_PATH", raising=False)
    monkeypatch.setitem(RUNNERS, "drums", Drums())
    project = write_registries(tmp_path / "project", orchestration=REGISTRY)
    return project, replace(check_project(project).platform.environments["lab"], runner="drums")


def test_everything_that_is_missing_is_told_with_where_it_is_asked_for(lab: tuple[Project, Environment]) -> None:
    with pytest.raises(RefusedError) as told:
        require_installed(*lab)
    assert str(told.value) == (
        'config/ssot/orchestration_registry.yaml:1:53: the runner "drums" needs acme.drums, drums.sticks, which this '
        "machine does not have.\n  Install what it needs: pip install 'nexus-ansible[drums]'."
    )


@pytest.mark.parametrize("where", ["configured", "environment", "home"])
def test_a_collection_is_found_where_ansible_looks_for_it(
    lab: tuple[Project, Environment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    project, environment = lab
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = {
        "configured": project.root / "vendored",
        "environment": tmp_path / "elsewhere",
        "home": tmp_path / "home" / ".ansible" / "collections",
    }[where]
    (folder / "ansible_collections" / "acme" / "drums").mkdir(parents=True)
    if where == "configured":
        (project.root / "ansible.cfg").write_text("[defaults]\ncollections_path = ./vendored:/nowhere\n", "utf-8")
    if where == "environment":
        monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", f"/nowhere:{folder}")
    with pytest.raises(RefusedError, match=r"needs drums\.sticks, which"):
        require_installed(project, environment)


@pytest.mark.parametrize("configuration", ["[defaults", "collections_path = x\n", "[other]\n"])
def test_a_configuration_that_is_none_is_left_to_ansible(lab: tuple[Project, Environment], configuration: str) -> None:
    (lab[0].root / "ansible.cfg").write_text(configuration, "utf-8")
    with pytest.raises(RefusedError, match=r"needs acme\.drums, drums\.sticks, which"):
        require_installed(*lab)


def test_the_runner_of_this_machine_needs_nothing(lab: tuple[Project, Environment]) -> None:
    project, environment = lab
    require_installed(project, replace(environment, runner="local"))
