# SPDX-License-Identifier: Apache-2.0
"""What the wheel and the source distribution hold."""

from __future__ import annotations

import email
import os
import re
import stat
import tarfile
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from nexus_ansible import __version__
from tests.packaging.building import build

pytestmark = pytest.mark.xdist_group("packages")

PACKAGES = ("nexus_ansible", "ansible_collections")
COLLECTION = "ansible_collections/nexus/automation"
SCAFFOLD = "nexus_ansible/scaffold"
DIST_INFO = f"nexus_ansible-{__version__}.dist-info"
LEFT_OUT = re.compile(rf"{COLLECTION}/(playbooks/|roles/[^/]+/molecule/)|{SCAFFOLD}/config/schemas/")
METADATA = {
    f"{DIST_INFO}/{name}"
    for name in (
        "METADATA",
        "WHEEL",
        "RECORD",
        "entry_points.txt",
        "licenses/LICENSE",
        f"licenses/{COLLECTION}/COPYING",
    )
}
LICENCE = re.compile(r"^# SPDX-License-Identifier: (.*)$", re.MULTILINE)
IMPORTS_ANSIBLE = re.compile(r"^\s*(from|import) ansible\.(?!module_utils)", re.MULTILINE)


def contents(path: Path) -> dict[str, bytes]:
    """Bytes of every file of a wheel by its name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def tree(source: Path) -> dict[str, bytes]:
    """Bytes of every file of the two packages by its name, links followed."""
    found: dict[str, bytes] = {}
    for package in PACKAGES:
        for directory, _, names in os.walk(source / package, followlinks=True):
            for name in names:
                path = Path(directory, name)
                found[path.relative_to(source).as_posix()] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def files(wheel: Path) -> dict[str, bytes]:
    """What the wheel holds."""
    return contents(wheel)


def test_the_wheel_holds_both_packages_and_nothing_else(source: Path, files: dict[str, bytes]) -> None:
    expected = {name: text for name, text in tree(source).items() if not LEFT_OUT.match(name)}
    assert set(files) - METADATA == set(expected)
    assert set(files) >= METADATA
    assert [name for name, text in expected.items() if files[name] != text] == []


@pytest.mark.parametrize(
    "name",
    [
        "nexus_ansible/py.typed",
        "nexus_ansible/compile/templates/playbook.yml.j2",
        "nexus_ansible/registries/schemas/orchestration_registry.schema.json",
        f"{SCAFFOLD}/ansible.cfg",
        f"{SCAFFOLD}/config/ssot/orchestration_registry.yaml",
        f"{SCAFFOLD}/services/backend/tests/test_backend_api.py",
        f"{COLLECTION}/galaxy.yml",
        f"{COLLECTION}/meta/runtime.yml",
        f"{COLLECTION}/plugins/callback/ledger.py",
        f"{COLLECTION}/roles/backup/tasks/upload.yml",
        f"{COLLECTION}/roles/deployment/meta/argument_specs.yml",
    ],
)
def test_the_wheel_has_what_others_forget(files: dict[str, bytes], name: str) -> None:
    assert files[name] or name.endswith("py.typed")


def test_nothing_of_development_is_in_the_wheel(files: dict[str, bytes]) -> None:
    unwanted = re.compile(
        r"(^|/)(\.nexus|\.venv|__pycache__|\.[a-z]*_cache|molecule|benchmarks|docs)(/|$)|\.pyc$|^tests/"
    )
    assert [name for name in files if unwanted.search(name)] == []


def test_every_entry_of_the_wheel_is_a_regular_file_that_all_can_read(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert {name: oct(mode) for name, mode in modes.items() if stat.S_IFMT(mode) not in (0, stat.S_IFREG)} == {}
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o444 != 0o444} == {}


def test_the_source_distribution_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    assert contents(build("wheel", sdist, tmp_path)) == contents(wheel)


def test_no_link_of_the_source_distribution_leads_out_of_it(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = set(archive.getnames())
        links = [(entry.name, entry.linkname) for entry in archive if entry.issym() or entry.islnk()]
    targets = [os.path.normpath(Path(name).parent / target) for name, target in links]
    assert [target for target in targets if target not in names] == []
    assert {name.split("/")[1] for name in names if "/" in name} == {
        "ansible.cfg",
        "ansible_collections",
        "nexus_ansible",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
    }


def metadata(files: dict[str, bytes]) -> Message:
    """The wheel's core metadata."""
    return email.message_from_bytes(files[f"{DIST_INFO}/METADATA"])


def test_the_metadata_says_what_pyproject_says(source: Path, files: dict[str, bytes]) -> None:
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    told = metadata(files)
    assert (told["Name"], told["Version"]) == ("nexus-ansible", __version__)
    assert set(told["Requires-Python"].split(",")) == set(project["requires-python"].split(","))
    assert told["Summary"] == project["description"]
    assert told["Description-Content-Type"] == "text/markdown"
    required = {line.partition(";")[0].strip() for line in told.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert required == set(project["dependencies"])
    assert files[f"{DIST_INFO}/entry_points.txt"].split() == [
        b"[console_scripts]",
        b"nexus-ansible",
        b"=",
        b"nexus_ansible.cli.main:main",
    ]
    assert b"Tag: py3-none-any" in files[f"{DIST_INFO}/WHEEL"]


def test_the_licences_are_declared_and_enclosed(files: dict[str, bytes]) -> None:
    told = metadata(files)
    assert told["License-Expression"] == "Apache-2.0 AND GPL-3.0-or-later"
    assert set(told.get_all("License-File", [])) == {"LICENSE", f"{COLLECTION}/COPYING"}
    assert b"Apache License" in files[f"{DIST_INFO}/licenses/LICENSE"]
    assert b"GNU GENERAL PUBLIC LICENSE" in files[f"{DIST_INFO}/licenses/{COLLECTION}/COPYING"]


def test_every_module_says_its_licence_and_what_imports_ansible_is_gpl(files: dict[str, bytes]) -> None:
    modules = {name: text.decode() for name, text in files.items() if name.endswith(".py") and text.strip()}
    licences = {name: found[1] if (found := LICENCE.search(text)) else None for name, text in modules.items()}
    assert {licences[name] for name in licences if name.startswith("nexus_ansible/")} == {"Apache-2.0"}
    assert {licences[name] for name in licences if name.startswith(f"{COLLECTION}/")} <= {
        "Apache-2.0",
        "GPL-3.0-or-later",
    }
    derived = [name for name in modules if name.startswith(COLLECTION) and IMPORTS_ANSIBLE.search(modules[name])]
    assert derived != []
    assert {name: licences[name] for name in derived if licences[name] != "GPL-3.0-or-later"} == {}
