# SPDX-License-Identifier: Apache-2.0
"""What a machine offers, and what is placed on it, read from real directories."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from ansible_collections.nexus.automation.plugins.module_utils.machines.placed import (
    Placed,
    read_gates,
    read_placed,
    registered,
)
from ansible_collections.nexus.automation.plugins.module_utils.machines.surroundings import look_around
from ansible_collections.nexus.automation.plugins.module_utils.proxies.gates import lay_gates, open_gate

NOTHING = Placed("", "", "", (), (), (), has_data=False)


def place(directory: Path, *versions: str, release: str = "") -> None:
    for version in versions:
        made = directory / "versions" / version
        made.mkdir(parents=True)
        if release:
            (made / "release").symlink_to(directory.parent / "releases" / f"{release}-{version}")
            (directory.parent / "releases" / f"{release}-{version}").mkdir(parents=True)
        (made / "run").touch()


def test_an_instance_that_was_never_placed_is_empty(tmp_path: Path) -> None:
    assert read_placed(tmp_path / "web-1", tmp_path / "secrets") == NOTHING


def test_versions_releases_and_secrets_are_read(tmp_path: Path) -> None:
    web = tmp_path / "web-1"
    place(web, "b2", "a1", "c3", release="web")
    (web / "versions" / "begun").mkdir()
    (web / "versions" / "b2" / "secrets.cred").touch()
    (web / "current").symlink_to("versions/a1")
    (web / "good").symlink_to("versions/b2")
    (web / "data").mkdir()
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "a1.env").touch()
    assert read_placed(web, secrets) == Placed(
        version="a1",
        good="b2",
        release="web-a1",
        releases=("web-a1", "web-b2"),
        versions=("a1", "b2", "c3"),
        secrets=("a1", "b2"),
        has_data=True,
    )


def test_a_link_to_a_version_that_is_gone_names_none(tmp_path: Path) -> None:
    place(tmp_path / "web-1", "a1")
    (tmp_path / "web-1" / "current").symlink_to("versions/gone")
    assert read_placed(tmp_path / "web-1", tmp_path).version == ""


def test_gates_tell_addresses_and_a_closed_one_none(tmp_path: Path) -> None:
    gates = tmp_path / "proxy-1"
    lay_gates([gates / "web-1", gates / "web-2"])
    open_gate(gates / "web-1", "10.0.0.1:8081")
    (gates / ".web-1.unfinished").touch()
    assert read_gates(tmp_path) == {"proxy-1": {"web-1": "10.0.0.1:8081", "web-2": ""}}
    assert read_gates(tmp_path / "none") == {}


def test_names_are_those_between_prefix_and_suffix(tmp_path: Path) -> None:
    for name in ("shop-lab-web-1.service", "shop-lab-cache-1.service", "other-web-1.service", "shop-lab-x.timer"):
        (tmp_path / name).touch()
    assert registered(tmp_path, "shop-lab-", ".service") == ["cache-1", "web-1"]
    assert registered(tmp_path / "none", "shop-lab-", ".service") == []


def test_the_directory_in_memory_is_one_for_each_home(tmp_path: Path) -> None:
    one, other = (look_around(tmp_path / name, "supervisor", None) for name in ("a", "b"))
    assert one.user == getpass.getuser()
    assert one.runtime.parent == one.memory == other.runtime.parent
    assert one.memory.is_dir()
    assert one.runtime != other.runtime
    assert look_around(tmp_path, "supervisor", tmp_path / "own").runtime == tmp_path / "own"


def test_the_supervisor_seals_no_secrets(tmp_path: Path) -> None:
    assert not look_around(tmp_path, "supervisor", None).seals
    assert look_around(tmp_path, "systemd", None).memory.is_relative_to("/run")


def test_the_directory_in_memory_is_described_once_it_is_there(tmp_path: Path) -> None:
    before = look_around(tmp_path, "supervisor", tmp_path / "run")
    assert (before.runtime_uid, before.runtime_mode) == ("", "")
    (tmp_path / "run").mkdir(mode=0o711)
    after = look_around(tmp_path, "supervisor", tmp_path / "run")
    assert (after.runtime_uid, after.runtime_mode) == (str(os.geteuid()), "0711")
