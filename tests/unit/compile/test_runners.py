# SPDX-License-Identifier: Apache-2.0
"""Runners by name: those that are built in, those of other packages, and what an environment may say to each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.compile.runners import RUNNERS, Runner, RunnerError, find_runner
from nexus_ansible.compile.write import apply_changes
from tests.projects.registry_text import problems, read_cases, write_registries

CASES = Path(__file__).with_name("cases")
CODE = """
from nexus_ansible.compile.paths import inventory_file
from nexus_ansible.compile.runners.local import LocalRunner


class Drum(LocalRunner):
    role = "acme.drums.runner"
    settings = frozenset({"settings"})

    def variables(self, environment):
        return {"drum_size": environment.settings["size"]}

    def files(self, environment):
        return {inventory_file(environment.name, "sheet.txt"): "boom\\n"}


class Mute:
    role = "acme.drums.runner"
    settings = ()


drum = Drum()
"""


def _install(site: Path, package: str, version: str, **runners: str) -> None:
    """A package with entry points, as pip leaves it."""
    metadata = site / f"{package}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n", "utf-8")
    points = "\n".join(f"{name} = {target}" for name, target in runners.items())
    (metadata / "entry_points.txt").write_text(f"[nexus_ansible.runners]\n{points}\n", "utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of packages, with a module that has a runner."""
    site = tmp_path / "site"
    site.mkdir()
    name = f"drums_{tmp_path.parent.name.replace('-', '_')}_{tmp_path.name}"
    (site / f"{name}.py").write_text(CODE, encoding="utf-8")
    _install(site, "acme-drums", "1.2", drum=f"{name}:drum", mute=f"{name}:Mute", gone=f"{name}:cymbal", lost="none:x")
    monkeypatch.syspath_prepend(site)
    return site


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "runners.txt"))
def test_what_a_runner_does_not_know_is_told_where_it_stands(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize("name", sorted(RUNNERS))
def test_a_built_in_runner_tells_everything_that_a_runner_tells(name: str) -> None:
    runner = find_runner(name)

    assert runner is RUNNERS[name]
    assert [member for member in vars(Runner) if member[0] != "_" and not hasattr(runner, member)] == []


def test_a_package_brings_a_runner_with_a_role_settings_and_files_of_its_own(tmp_path: Path, site: Path) -> None:
    registry = "orchestration: {services: {api: {}}, environments: {lab: {runner: drum, settings: {size: 22}}}}"

    compiled = compile_project(check_project(write_registries(tmp_path / "project", orchestration=registry))).files

    variables = json.loads(compiled["inventories/lab/hosts"])["all"]["vars"]
    assert (variables["nexus_runner"], variables["nexus_runner_role"]) == ("drum", "acme.drums.runner")
    assert variables["drum_size"] == 22
    assert compiled["inventories/lab/sheet.txt"] == "boom\n"


def test_another_version_of_a_package_is_compiled_anew(tmp_path: Path, site: Path) -> None:
    registry = "orchestration: {services: {}, environments: {lab: {runner: drum, settings: {size: 22}}}}"
    project = write_registries(tmp_path / "project", orchestration=registry)
    compilation = compile_project(check_project(project))
    apply_changes(project.root, compilation.changes(project.root), compilation.manifest)
    assert check_project(project).is_current(project.root)

    metadata = site / "acme-drums-1.2.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text("utf-8").replace("1.2", "1.3"), encoding="utf-8")

    assert not check_project(project).is_current(project.root)


def test_an_unknown_runner_is_told_with_those_of_packages(tmp_path: Path, site: Path) -> None:
    registry = "orchestration: {services: {}, environments: {lab: {runner: drun}}}"

    (told,) = problems(write_registries(tmp_path / "project", orchestration=registry))

    assert told.split("\n") == [
        'config/ssot/orchestration_registry.yaml:1:60: unknown runner "drun"',
        '  Known: aws, azure, docker, drum, gone, kubernetes, local, lost, mute, ssh. Did you mean "drum"?',
    ]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gone", 'runner "gone" of acme-drums 1.2 cannot be loaded: module '),
        ("lost", "runner \"lost\" of acme-drums 1.2 cannot be loaded: No module named 'none'"),
        (
            "mute",
            'runner "mute" of acme-drums 1.2 lacks addresses, check, connection, files, machines, passes, placement, r',
        ),
    ],
)
def test_a_runner_that_cannot_be_used_is_told_with_its_package(site: Path, name: str, told: str) -> None:
    with pytest.raises(RunnerError) as raised:
        find_runner(name)

    assert str(raised.value).startswith(told)
    assert raised.value.exit_code == 4


def test_a_runner_that_two_packages_bring_is_told_with_both(site: Path) -> None:
    _install(site, "zeta-drums", "0.1", drum="zeta:drum")

    with pytest.raises(RunnerError) as raised:
        find_runner("drum")

    assert str(raised.value) == (
        'runner "drum" comes from acme-drums 1.2 and zeta-drums 0.1\n  Uninstall all but one of them.'
    )
