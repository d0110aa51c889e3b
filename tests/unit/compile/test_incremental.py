# SPDX-License-Identifier: Apache-2.0
"""Only what changed is written, what is stale goes, and what somebody edited stays."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from nexus_ansible.compile.manifest import (
    MANIFEST,
    Manifest,
    compiler_digest,
    input_digests,
    is_current,
    read_manifest,
)
from nexus_ansible.compile.project import Compilation, check_project, compile_project
from nexus_ansible.compile.write import apply_changes
from nexus_ansible.errors import DriftError, RefusedError
from tests.projects.registry_text import write_registries

if TYPE_CHECKING:
    from pathlib import Path

ORCHESTRATION = "orchestration: {{services: {{api: {{scaling: {{min_replicas: {replicas}, max_replicas: 9}}}}}}}}"
FILES = {
    "inventories/lab/hosts",
    "playbooks/deployment_lab.yml",
    "playbooks/manifest.json",
    "playbooks/platform_down.yml",
    "playbooks/platform_status.yml",
}


def _compile(root: Path, replicas: int = 2, *, force: bool = False, **texts: str) -> Compilation:
    project = write_registries(root, **{"orchestration": ORCHESTRATION.format(replicas=replicas), **texts})
    compilation = compile_project(check_project(project))
    apply_changes(root, compilation.changes(root), compilation.manifest, force=force)
    return compilation


def _files(root: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every compiled file: both change when a file is written anew."""
    return {
        path.relative_to(root).as_posix(): (path.stat().st_ino, path.stat().st_mtime_ns)
        for name in ("playbooks", "inventories")
        for path in (root / name).rglob("*")
        if path.is_file()
    }


def test_everything_is_written_and_the_manifest_says_from_what(tmp_path: Path) -> None:
    compilation = _compile(tmp_path)

    assert _files(tmp_path).keys() == FILES
    assert read_manifest(tmp_path) == compilation.manifest
    assert is_current(tmp_path, compilation.manifest, compiler_digest(), input_digests(tmp_path))
    assert "config/ssot/security_registry.yaml" in compilation.manifest.inputs
    assert "roles/chores/meta/argument_specs.yml" in compilation.manifest.inputs


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    _compile(tmp_path)
    before = _files(tmp_path)

    _compile(tmp_path)

    assert _files(tmp_path) == before


def test_only_the_changed_file_and_the_manifest_are_written(tmp_path: Path) -> None:
    _compile(tmp_path)
    before = _files(tmp_path)

    _compile(tmp_path, replicas=2, security="security: {network: {vpn_required: true}}")
    only_inputs = _files(tmp_path)
    assert {path for path in FILES if only_inputs[path] != before[path]} == {MANIFEST}

    orchestration = "orchestration: {services: {api: {stop_timeout: 5s, scaling: {min_replicas: 2, max_replicas: 9}}}}"
    project = write_registries(tmp_path, orchestration=orchestration)
    compilation = compile_project(check_project(project))
    assert [change.path for change in compilation.changes(tmp_path)] == ["inventories/lab/hosts"]
    apply_changes(tmp_path, compilation.changes(tmp_path), compilation.manifest)
    after = _files(tmp_path)
    assert {path for path in FILES if after[path] != only_inputs[path]} == {MANIFEST, "inventories/lab/hosts"}


def test_one_replica_more_is_one_host_more_and_one_number(tmp_path: Path) -> None:
    _compile(tmp_path, replicas=3)
    project = write_registries(tmp_path, orchestration=ORCHESTRATION.format(replicas=4))

    (hosts, rollout) = compile_project(check_project(project)).changes(tmp_path)

    changed = [line for line in hosts.diff().splitlines() if line[0] in "+-" and line[:3] not in {"+++", "---"}]
    assert hosts.path == "inventories/lab/hosts"
    assert changed == [
        '-        "service_replicas": 3,',
        '+        "service_replicas": 4,',
        '+        ,"api-4": {"service_index":4,"service_port":23945}',
        '+    "batch_4": {"hosts": {',
        '+       "api-4": {}',
        "+    }},",
    ]
    assert rollout.path == "playbooks/deployment_lab.yml"


def test_a_stale_file_goes_with_the_directory_it_leaves_empty(tmp_path: Path) -> None:
    environments = "orchestration: {services: {}, environments: {lab: {}, field: {}}}"
    _compile(tmp_path, orchestration=environments)
    assert (tmp_path / "inventories/field/hosts").is_file()

    _compile(tmp_path)

    assert _files(tmp_path).keys() == FILES
    assert not (tmp_path / "inventories/field").exists()


def test_a_file_edited_by_hand_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    _compile(tmp_path)
    (tmp_path / "playbooks/deployment_lab.yml").write_text("mine\n", encoding="utf-8")
    before = _files(tmp_path)

    with pytest.raises(DriftError) as raised:
        _compile(tmp_path, replicas=5)

    assert _files(tmp_path) == before
    assert raised.value.exit_code == 5
    assert str(raised.value) == (
        "playbooks/deployment_lab.yml: edited by hand, or not written by nexus-ansible.\n"
        "  Put the change into the registries. `nexus-ansible compile --diff` shows what would be lost, "
        "`nexus-ansible compile --force` writes over it."
    )


def test_force_writes_over_what_was_edited(tmp_path: Path) -> None:
    compilation = _compile(tmp_path)
    (tmp_path / "playbooks/deployment_lab.yml").write_text("mine\n", encoding="utf-8")

    _compile(tmp_path, force=True)

    text = (tmp_path / "playbooks/deployment_lab.yml").read_text("utf-8")
    assert text == compilation.files["playbooks/deployment_lab.yml"]


def test_a_stale_file_edited_by_hand_is_not_removed(tmp_path: Path) -> None:
    _compile(tmp_path, orchestration="orchestration: {services: {}, environments: {lab: {}, field: {}}}")
    (tmp_path / "inventories/field/hosts").write_text("mine\n", encoding="utf-8")

    with pytest.raises(DriftError, match="inventories/field/hosts: edited by hand"):
        _compile(tmp_path)

    assert (tmp_path / "inventories/field/hosts").read_text("utf-8") == "mine\n"


def test_a_foreign_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks/deployment_lab.yml").write_text("theirs\n", encoding="utf-8")

    with pytest.raises(DriftError, match="or not written by nexus-ansible"):
        _compile(tmp_path)

    assert not (tmp_path / MANIFEST).exists()


def test_a_foreign_file_beside_the_compiled_ones_is_left_alone(tmp_path: Path) -> None:
    _compile(tmp_path)
    (tmp_path / "playbooks/own.yml").write_text("theirs\n", encoding="utf-8")

    _compile(tmp_path, replicas=1)

    assert (tmp_path / "playbooks/own.yml").read_text("utf-8") == "theirs\n"


def test_a_directory_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "playbooks/deployment_lab.yml").mkdir(parents=True)

    with pytest.raises(RefusedError) as raised:
        _compile(tmp_path)

    assert str(raised.value) == (
        "playbooks/deployment_lab.yml: is in the way: Is a directory.\n  Move it away; nothing was written."
    )


def test_a_file_in_the_place_of_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "inventories").write_text("a file\n", encoding="utf-8")

    with pytest.raises(RefusedError, match=r"^inventories/lab/hosts: is in the way: Not a directory"):
        _compile(tmp_path)

    assert not (tmp_path / "playbooks").exists()


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "{",
        "[]",
        "null",
        '{"compiler": 1}',
        '{"compiler": "", "inputs": {}, "outputs": []}',
        '{"inputs": 1, "outputs": {}, "compiler": ""}',
    ],
)
def test_a_manifest_that_cannot_be_read_is_no_manifest(tmp_path: Path, manifest: str) -> None:
    compilation = _compile(tmp_path)
    (tmp_path / MANIFEST).write_text(manifest, encoding="utf-8")

    assert read_manifest(tmp_path) == Manifest()
    _compile(tmp_path)
    assert read_manifest(tmp_path) == compilation.manifest


@pytest.mark.parametrize("path", ["precious", "../precious", "playbooks/../precious", "/precious", "playbooks//x", ""])
def test_a_manifest_cannot_have_files_removed_that_are_not_compiled(tmp_path: Path, path: str) -> None:
    root = tmp_path / "project"
    compilation = _compile(root)
    data = json.loads((root / MANIFEST).read_text("utf-8"))
    data["outputs"][path] = "0" * 64
    (root / MANIFEST).write_text(json.dumps(data), encoding="utf-8")

    assert read_manifest(root).outputs == compilation.manifest.outputs


def test_a_run_that_cannot_write_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    _compile(tmp_path)
    before = _files(tmp_path)
    project = write_registries(
        tmp_path,
        orchestration="orchestration: {services: {}, environments: {lab: {}, field: {}}}",
        pipeline="pipelines: {ci: {stages: [{name: one, steps: [linting]}]}}",
    )
    compilation = compile_project(check_project(project))
    pending = compilation.changes(tmp_path)
    (tmp_path / "inventories/field").write_text("not a directory\n", encoding="utf-8")

    with pytest.raises(RefusedError) as raised:
        apply_changes(tmp_path, pending, compilation.manifest)

    assert str(raised.value) == (
        f"{tmp_path}: the compiled files cannot be written: File exists.\n"
        "  Make room, or the directory writable, and compile again."
    )
    (tmp_path / "inventories/field").unlink()
    assert _files(tmp_path) == before
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if name.startswith(".")]
