# SPDX-License-Identifier: Apache-2.0
"""The collection as a tarball for ansible-galaxy, installed where nothing else of this project is to be found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from nexus_ansible import __version__
from tests.packaging.building import run
from tests.servers.ports import free_port
from tests.servers.process import accepts, running

pytestmark = pytest.mark.xdist_group("packages")

NAME = "nexus.automation"
STAGED = Path("ansible_collections", "nexus", "automation")
DOCUMENTED = {"module": "modules", "callback": "callback", "connection": "connection", "lookup": "lookup"}
PLAYBOOK = """\
- name: Check a port
  hosts: localhost
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - name: Check it
      nexus.automation.service_health:
        targets:
          - {name: web, url: "http://127.0.0.1:{{ checked_port }}/"}
      register: told
    - name: It is healthy
      ansible.builtin.assert:
        that: told.healthy
"""


@pytest.fixture(scope="module")
def staged(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection with files in the place of links, as `cp -rL` makes it."""
    directory = tmp_path_factory.mktemp("staged")
    subprocess.run(["cp", "-rL", str(source / "ansible_collections"), str(directory)], check=True)
    return directory / STAGED


@pytest.fixture(scope="module")
def tarball(staged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ansible-galaxy collection build` makes of it."""
    directory = tmp_path_factory.mktemp("tarball")
    ansible("ansible-galaxy", "collection", "build", "--output-path", str(directory), directory=staged)
    return directory / f"nexus-automation-{__version__}.tar.gz"


@pytest.fixture(scope="module")
def installed(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path with the tarball installed, and nothing else."""
    path = tmp_path_factory.mktemp("collections")
    ansible("ansible-galaxy", "collection", "install", "--offline", "-p", str(path), str(tarball), directory=path)
    return path


def ansible(program: str, *arguments: str, directory: Path, path: Path | None = None) -> str:
    """Run one of Ansible's programs that knows of no collections but those in `path`; return what it prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "ANSIBLE_HOME": str(directory / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(path or directory),
        "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        "ANSIBLE_NOCOLOR": "true",
    }
    argv = [str(Path(sys.executable).with_name(program)), *arguments]
    return run(argv, directory, environment).stdout


def names_of(staged: Path, kind: str) -> list[str]:
    return sorted(path.stem for path in (staged / "plugins" / kind).glob("*.py") if path.stem != "__init__")


def test_no_link_is_lost_and_nothing_of_development_comes_along(staged: Path, tarball: Path) -> None:
    staged_files = {
        path.relative_to(staged).as_posix()
        for path in staged.rglob("*")
        if path.is_file() and path.parts[len(staged.parts)] != "playbooks" and "molecule" not in path.parts
    }
    with tarfile.open(tarball) as archive:
        entries = archive.getmembers()
    assert {entry.name for entry in entries if entry.isfile()} == (staged_files - {"galaxy.yml"}) | {
        "MANIFEST.json",
        "FILES.json",
    }
    assert [entry.name for entry in entries if entry.issym() or entry.islnk()] == []


def test_the_manifest_says_what_the_package_says(staged: Path, tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        manifest = archive.extractfile("MANIFEST.json")
        assert manifest is not None
        told = json.load(manifest)["collection_info"]
    assert (told["namespace"], told["name"], told["version"]) == ("nexus", "automation", __version__)
    assert told["license"] == ["GPL-3.0-or-later", "Apache-2.0"]
    assert told["dependencies"] == {}
    assert "nexus-ansible" in (staged / told["readme"]).read_text("utf-8")
    assert "GNU GENERAL PUBLIC LICENSE" in (staged / "COPYING").read_text("utf-8")
    assert "Apache License" in (staged / "LICENSE").read_text("utf-8")


def test_the_collection_needs_the_ansible_that_the_package_needs(staged: Path) -> None:
    wanted = yaml.safe_load((staged / "meta" / "runtime.yml").read_text("utf-8"))["requires_ansible"]
    ours = next(
        found for line in requires("nexus-ansible") or [] if (found := Requirement(line)).name == "ansible-core"
    )
    assert [SpecifierSet(wanted).contains(v) for v in ("2.18.0", "2.19.0", "2.19.14", "2.21.5")] == [
        ours.specifier.contains(v) for v in ("2.18.0", "2.19.0", "2.19.14", "2.21.5")
    ]


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_the_documentation_of_every_plugin_renders(staged: Path, installed: Path, kind: str) -> None:
    names = [f"{NAME}.{name}" for name in names_of(staged, DOCUMENTED[kind])]
    told = json.loads(ansible("ansible-doc", "-t", kind, "--json", *names, directory=installed))
    assert sorted(told) == names
    for name, page in told.items():
        assert page["doc"]["short_description"], name
        assert Path(page["doc"]["filename"]).is_relative_to(installed), name
    rendered = ansible("ansible-doc", "-t", kind, *names, directory=installed)
    assert [name for name in names if name not in rendered] == []


def test_every_entry_point_of_every_role_is_listed(staged: Path, installed: Path) -> None:
    expected: dict[str, set[str]] = {}
    for role in sorted((staged / "roles").iterdir()):
        specs = role / "meta" / "argument_specs.yml"
        if specs.exists():
            expected[f"{NAME}.{role.name}"] = set(yaml.safe_load(specs.read_text("utf-8"))["argument_specs"])
    assert f"{NAME}.deployment" in expected
    told: Mapping[str, Any] = json.loads(
        ansible("ansible-doc", "-t", "role", "--list", "--json", NAME, directory=installed)
    )
    assert {name: set(role["entry_points"]) for name, role in told.items()} == expected
    assert all(ansible("ansible-doc", "-t", "role", name, directory=installed).strip() for name in sorted(expected)[:2])


def test_a_playbook_runs_the_installed_module(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "check.yml").write_text(PLAYBOOK, "utf-8")
    serve = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with running(serve, lambda: accepts(port), tmp_path / "server.log"):
        told = ansible(
            "ansible-playbook", "-i", "localhost,", "-c", "local", "-e", f"checked_port={port}", "check.yml",
            directory=tmp_path, path=installed,
        )  # fmt: skip
    assert "ok=2" in told
