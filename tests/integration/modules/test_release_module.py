# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.artefact and release through ansible-playbook, every step twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.servers.playbook import PlaybookRun, run_tasks
from tests.servers.python_project import write_project

ARTEFACT = "nexus.automation.artefact"
RELEASE = "nexus.automation.release"


def _deploy(tmp_path: Path, in_use: str = "") -> PlaybookRun:
    build = {
        ARTEFACT: {"name": "example", "kind": "python", "source": str(tmp_path / "source"), "dest": str(tmp_path / "a")}
    }
    unpack: dict[str, Any] = {
        RELEASE: {
            "artefact": "{{ built.path }}",
            "releases": str(tmp_path / "releases"),
            "keep": 1,
            "in_use": [in_use] if in_use else [],
        },
    }
    tasks = [
        {"name": "Build (check)", **build, "check_mode": True, "register": "built"},
        {"name": "Unpack (check)", **unpack, "check_mode": True},
        {"name": "Build", **build, "register": "built"},
        {"name": "Build (again)", **build},
        {"name": "Unpack", **unpack},
        {"name": "Unpack (again)", **unpack},
    ]
    return run_tasks(tmp_path / "run", tasks)


def test_an_artefact_is_built_and_unpacked_once(tmp_path: Path) -> None:
    write_project(tmp_path / "source")
    run = _deploy(tmp_path)
    assert run.returncode == 0, run.output
    predicted, built = run.named("Build (check)"), run.named("Build")
    assert predicted.changed
    assert predicted.result["digest"] is None
    assert built.changed
    assert built.result["version"] == "1.2.3"
    assert built.result["path"] == predicted.result["path"]
    assert not run.named("Build (again)").changed
    assert run.named("Build (again)").result["digest"] == built.result["digest"]
    assert run.named("Unpack (check)").changed
    assert run.named("Unpack").changed
    assert not run.named("Unpack (again)").changed
    assert Path(run.named("Unpack").result["path"], "example.py").is_file()


def test_a_new_version_replaces_the_old_one(tmp_path: Path) -> None:
    source = write_project(tmp_path / "source")
    first = _deploy(tmp_path)
    (source / "example.py").write_text("def main():\n    print('second')\n", encoding="utf-8")
    second = _deploy(tmp_path)
    old, new = first.named("Unpack").result["release_id"], second.named("Unpack").result["release_id"]
    assert old != new
    assert second.named("Unpack (check)").result["removed"] == [old]
    assert second.named("Unpack").result["removed"] == [old]
    assert [path.name for path in (tmp_path / "releases").iterdir() if path.is_dir()] == [new]


def test_what_was_in_use_goes_with_the_next_release_and_not_before(tmp_path: Path) -> None:
    source = write_project(tmp_path / "source")
    first = _deploy(tmp_path).named("Unpack").result["release_id"]
    (source / "example.py").write_text("def main():\n    print('second')\n", encoding="utf-8")
    assert _deploy(tmp_path, in_use=first).named("Unpack").result["removed"] == []
    later = _deploy(tmp_path)
    assert not later.named("Unpack").changed
    assert Path(later.named("Unpack").result["path"]).with_name(first).is_dir()
    (source / "example.py").write_text("def main():\n    print('third')\n", encoding="utf-8")
    assert first in _deploy(tmp_path).named("Unpack").result["removed"]


def test_a_missing_artefact_fails_with_what_to_do(tmp_path: Path) -> None:
    release = {RELEASE: {"artefact": "/nowhere/x.tar.gz", "releases": str(tmp_path / "releases")}}
    run = run_tasks(tmp_path, [{"name": "Unpack", **release}])
    assert run.named("Unpack").message == "/nowhere/x.tar.gz is no artefact. Build it with nexus.automation.artefact."
