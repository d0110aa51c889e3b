# SPDX-License-Identifier: Apache-2.0
"""Programs are found where the wheels put them, or where the system does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils import server_programs
from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.server_programs import PROGRAMS, find_server_program


def _script(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{version}'\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("name", [name for name, source in PROGRAMS.items() if source.wheel])
def test_every_program_comes_with_the_wheels_and_runs(name: str) -> None:
    program = find_server_program(name, "embedded")
    assert program.provider == "embedded"
    assert Path(program.path).is_absolute()
    option = PROGRAMS[name].version_argument
    shown = subprocess.run([*program.argv, option], capture_output=True, text=True, check=True, timeout=60).stdout
    assert program.version in shown


def test_postgresql_18_is_preferred() -> None:
    assert find_server_program("postgres").version.startswith("18.")


def test_supervisord_is_started_by_the_interpreter_that_runs_the_module() -> None:
    assert find_server_program("supervisord").argv == [sys.executable, "-m", "supervisor.supervisord"]


def test_a_system_program_is_found_in_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _script(tmp_path / "bin" / "caddy", "v2.6.2")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{tmp_path / 'bin'}")
    program = find_server_program("caddy", "system")
    assert (program.path, program.version, program.provider) == (str(tmp_path / "bin/caddy"), "2.6.2", "system")


def test_the_newest_of_the_distributions_servers_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("9.6", "15.4", "13.2"):
        _script(tmp_path / version / "bin" / "postgres", f"postgres (PostgreSQL) {version}")
    source = server_programs.Source("none", "no_such_package", (), "postgresql", (str(tmp_path / "*" / "bin"),))
    monkeypatch.setitem(PROGRAMS, "postgres", source)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server_program("postgres").version == "15.4"


def test_a_missing_program_names_both_ways_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROGRAMS, "psql", server_programs.Source("some-wheel", "no_such_package", (), "some-package"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AdapterError) as caught:
        find_server_program("psql")
    assert str(caught.value) == (
        f"psql was not found (provider: auto). Install it: `{sys.executable} -m pip install some-wheel`, "
        "or the system package some-package, so that psql is in PATH."
    )


def test_a_program_without_a_wheel_is_never_embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _script(tmp_path / "nginx", "")
    program.write_text("#!/bin/sh\necho 'nginx version: nginx/1.22.1' >&2\n", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_server_program("nginx", "auto")
    assert (found.path, found.version, found.provider) == (str(program), "1.22.1", "system")
    with pytest.raises(AdapterError) as caught:
        find_server_program("nginx", "embedded")
    assert str(caught.value) == (
        "nginx was not found (provider: embedded). No wheel brings it; "
        "install the system package nginx, so that nginx is in PATH."
    )


def test_a_program_that_does_not_run_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _script(tmp_path / "caddy", "x")
    program.write_text("#!/bin/sh\nexit 3\n", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AdapterError, match=r"does not tell its version.*exit status 3"):
        find_server_program("caddy", "system")
