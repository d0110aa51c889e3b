# SPDX-License-Identifier: Apache-2.0
"""A project as a parcel: what goes into it, what stays, and what does not fit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexus_ansible.errors import RefusedError
from nexus_ansible.run.elsewhere.parcel import LIMIT, pack, unpack


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in (
        "config/ssot/a.yaml",
        "roles/own/tasks/main.yml",
        "kube/config",
        ".nexus/ledger/1",
        ".git/HEAD",
        ".env",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name, encoding="utf-8")
    (root / "start").write_text("#!/bin/sh\n", encoding="utf-8")
    (root / "start").chmod(0o700)
    (root / "linked").symlink_to("roles")
    return root


def test_a_project_arrives_without_its_state_history_and_credentials(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    unpack(pack(project, ["kube/config"]), target)
    files = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert files == ["config/ssot/a.yaml", "roles/own/tasks/main.yml", "start"]
    assert (target / "linked" / "own" / "tasks" / "main.yml").read_text("utf-8") == "roles/own/tasks/main.yml"
    assert os.access(target / "start", os.X_OK)


def test_the_same_files_are_the_same_bytes(project: Path) -> None:
    first = pack(project)
    os.utime(project / "start", (1, 1))
    assert pack(project) == first


def test_a_link_that_leads_out_is_refused(project: Path) -> None:
    (project / "out").symlink_to("/etc/hostname")
    with pytest.raises(RefusedError, match="out"):
        pack(project)


def test_a_project_that_is_too_large_is_refused_with_what_is_large(project: Path) -> None:
    (project / "movies").mkdir()
    (project / "movies" / "one").write_bytes(os.urandom(LIMIT + 1))
    with pytest.raises(RefusedError, match=r"at most 8 MiB go into a cluster\.\n.*most is in movies, "):
        pack(project)
