# SPDX-License-Identifier: Apache-2.0
"""Registries in, files out, compared byte for byte."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from nexus_ansible.compile.manifest import OWN_DIRECTORIES
from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.project import SSOT, Project

GOLDEN = Path(__file__).parent
CASES = (
    "aws_machines",
    "azure_machines",
    "docker_engines",
    "every_feature",
    "kubernetes_cluster",
    "ssh_machines",
    "user_document",
)
USER_DOCUMENT = {
    "automation_registry.yaml": "8d374c841f5d1ac6e1da9971d48354dcf3ad5e4adfa04673f3ce838a0023fb31",
    "monitoring_registry.yaml": "f931c72e212c8d48498cf1178dfce768e4d219130319a8f83da4b8dd5ec15e99",
    "orchestration_registry.yaml": "1dd98f170858591915a6b1ac3eccb3e5c929cde378cf31a8d8a0796a6525f7c0",
    "pipeline_registry.yaml": "e2d47441c68eaba8b3a0ac7fa80cc7e21f04233584cdd9fe4e243c6b528f6a55",
    "security_registry.yaml": "d2a611d8d2949b7e6e7985a8ba1b7bcfb0391715b6e95b9c98c1c92a3fd7396f",
}
"""SHA-256 of the five YAML blocks of the user's document, as they stand there."""


@pytest.mark.parametrize("case", CASES)
def test_a_golden_case_compiles_to_the_committed_bytes(case: str, update_golden: bool) -> None:
    root = GOLDEN / case

    compiled = compile_project(check_project(Project(root))).files

    if update_golden:
        _write(root, compiled)
    assert _read(root) == compiled


def test_the_blocks_of_the_user_s_document_are_unmodified() -> None:
    blocks = {path.name: path.read_bytes() for path in (GOLDEN / "user_document" / SSOT).iterdir()}

    assert {name: hashlib.sha256(text).hexdigest() for name, text in blocks.items()} == USER_DOCUMENT


def _write(root: Path, compiled: dict[str, str]) -> None:
    for directory in OWN_DIRECTORIES:
        shutil.rmtree(root / directory, ignore_errors=True)
    for path, text in compiled.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _read(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for directory in OWN_DIRECTORIES
        for path in sorted((root / directory).rglob("*"))
        if path.is_file()
    }
