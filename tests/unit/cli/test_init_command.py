# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible init`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from nexus_ansible.compile.runners import RUNNERS
from nexus_ansible.scaffold import runners
from tests.unit.cli.command_line import REPOSITORY, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def scaffold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project as `init` makes it."""
    root = tmp_path_factory.mktemp("init")
    assert run(root, "init", "shop").returncode == 0
    return root / "shop"


def test_init_tells_what_comes_next(tmp_path: Path) -> None:
    ended = run(tmp_path, "init", "shop")

    files = [path for path in (tmp_path / "shop").rglob("*") if path.is_file()]
    assert ended.stdout == f"{len(files)} files in shop. Next:\n  cd shop\n  nexus-ansible apply production\n"


def test_init_lists_its_files_as_json(tmp_path: Path) -> None:
    told = json.loads(run(tmp_path, "init", "shop", "--json").stdout)

    root = tmp_path / "shop"
    assert told["project"] == str(root)
    assert told["files"] == sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_new_project_is_valid_and_compiled(scaffold: Path) -> None:
    assert run(scaffold, "validate").returncode == 0
    assert run(scaffold, "compile", "--check").stdout == "14 files, all up to date\n"


def test_a_new_project_has_the_registries_and_schemas_of_this_one(scaffold: Path) -> None:
    for path in [*(REPOSITORY / "config").rglob("*.yaml"), *(REPOSITORY / "config" / "schemas").glob("*.json")]:
        copy = scaffold / path.relative_to(REPOSITORY)
        assert copy.read_bytes() == path.read_bytes()
        assert not copy.is_symlink()


def test_a_new_project_keeps_its_state_out_of_git_and_its_schemas_in_the_editor(scaffold: Path) -> None:
    ignored = (scaffold / ".gitignore").read_text("utf-8").splitlines()
    associated = json.loads((scaffold / ".vscode" / "settings.json").read_text("utf-8"))["yaml.schemas"]

    assert ".nexus/" in ignored
    assert len(associated) == 5
    for schema, registry in associated.items():
        assert (scaffold / schema).is_file()
        assert f"$schema=../schemas/{schema.rpartition('/')[2]}" in (scaffold / registry).read_text("utf-8")


@pytest.fixture(scope="module", params=runners())
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project for each runner."""
    root = tmp_path_factory.mktemp("example")
    assert run(root, "init", "shop", "--runner", request.param).returncode == 0
    return root / "shop"


def test_there_is_an_example_for_every_runner_that_is_built_in() -> None:
    assert runners() == sorted(RUNNERS)


def test_examples_differ_in_nothing_but_their_environments(example: Path, scaffold: Path) -> None:
    def told(root: Path) -> dict[str, Any]:
        registries: dict[str, Any] = {}
        for path in (root / "config" / "ssot").iterdir():
            registries |= yaml.safe_load(path.read_text("utf-8"))
        return registries

    ours, local = told(example), told(scaffold)
    assert set(ours["orchestration"].pop("environments")) == set(local["orchestration"].pop("environments"))
    assert ours == local


def test_an_example_is_valid_and_compiled(example: Path) -> None:
    assert run(example, "validate").returncode == 0
    assert run(example, "compile", "--check").returncode == 0


def test_yamllint_finds_nothing_in_a_new_project(example: Path) -> None:
    configuration = str(REPOSITORY / ".yamllint")

    linted = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "-c", configuration, "."],
        cwd=example,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.parametrize("taken", ["README.md", "playbooks/platform_down.yml", "config/ssot/security_registry.yaml"])
def test_init_never_writes_over_a_file(tmp_path: Path, taken: str) -> None:
    (tmp_path / "shop" / taken).parent.mkdir(parents=True)
    (tmp_path / "shop" / taken).write_text("mine\n", encoding="utf-8")

    ended = run(tmp_path, "init", "shop")

    assert (ended.returncode, ended.stderr) == (
        7,
        f"{tmp_path}/shop: has {taken} already.\n  Choose another directory.\n",
    )
    assert [path for path in (tmp_path / "shop").rglob("*") if path.is_file()] == [tmp_path / "shop" / taken]


def test_init_keeps_what_is_there_beside_its_files(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.txt").write_text("mine\n", encoding="utf-8")

    assert run(tmp_path, "init", "shop").returncode == 0
    assert (tmp_path / "shop" / "notes.txt").read_text("utf-8") == "mine\n"


def test_init_says_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    ended = run(tmp_path, "init", "file/shop")

    assert (ended.returncode, ended.stderr) == (
        7,
        f"{tmp_path}/file/shop: the project cannot be written: Not a directory.\n",
    )
