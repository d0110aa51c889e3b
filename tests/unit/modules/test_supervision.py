# SPDX-License-Identifier: Apache-2.0
"""The same assertions over every kind of supervision."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.nexus.automation.plugins.module_utils.errors import AdapterError
from ansible_collections.nexus.automation.plugins.module_utils.supervision import (
    SUPERVISIONS,
    Supervision,
    UnitState,
    make_supervision,
)
from ansible_collections.nexus.automation.plugins.module_utils.supervision.program import Program, apply_program
from ansible_collections.nexus.automation.plugins.module_utils.supervision.supervisord_client import SupervisordClient
from tests.servers.supervisord import SupervisordServer
from tests.servers.waiting import wait_until

LIMIT_S = 20.0
STAND_IN = Path(__file__).with_name("systemctl_stand_in.py")

Make = Callable[[], Supervision]


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Make:
    """Make the supervision of the parameter, which knows a stopped unit `web`."""
    return {"supervisor": _supervisor, "systemd": _systemd}[request.param](request)


def _supervisor(request: pytest.FixtureRequest) -> Make:
    server: SupervisordServer = request.getfixturevalue("supervisord")
    client = SupervisordClient(str(server.socket))
    command = ["sh", "-c", "echo the last words of web; exec sleep 1000"]
    program = Program("web", command, server.directory, {}, server.directory / "web.log", autostart=False, start_wait=0)
    apply_program(program, server.config_dir, client)
    return lambda: make_supervision({"supervision": "supervisor", "socket": str(server.socket)})


def _systemd(request: pytest.FixtureRequest) -> Make:
    directory: Path = request.getfixturevalue("tmp_path")
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for name in ("systemctl", "journalctl"):
        script = directory / name
        script.write_text(f"#!{sys.executable}\n{STAND_IN.read_text(encoding='utf-8')}", encoding="utf-8")
        script.chmod(0o755)
    (directory / "web").write_text("inactive", encoding="utf-8")
    patch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    patch.setenv("UNITS", str(directory))
    patch.setenv("MAIN_PID", str(os.getpid()))
    return lambda: make_supervision({"supervision": "systemd", "scope": "user"})


every_supervision = pytest.mark.parametrize("make", SUPERVISIONS, indirect=True)


@every_supervision
def test_a_unit_is_started_and_stopped(make: Make) -> None:
    supervision = make()
    assert supervision.status("web").state is UnitState.STOPPED
    assert supervision.pids("web") == []
    supervision.start("web", LIMIT_S)
    assert supervision.status("web").state is UnitState.RUNNING
    pids = supervision.pids("web")
    assert pids[0] == supervision.status("web").pid
    supervision.stop("web", LIMIT_S)
    assert supervision.status("web").state is UnitState.STOPPED


@every_supervision
def test_starting_and_stopping_twice_is_no_error(make: Make) -> None:
    supervision = make()
    for action in (supervision.start, supervision.start, supervision.stop, supervision.stop):
        action("web", LIMIT_S)
    assert supervision.status("web").state is UnitState.STOPPED


@every_supervision
def test_a_restart_leaves_the_unit_running(make: Make) -> None:
    supervision = make()
    supervision.restart("web", LIMIT_S)
    assert supervision.status("web").state is UnitState.RUNNING
    wait_until(lambda: "the last words of web" in supervision.log_tail("web"), "the unit's output in its log")
    supervision.stop("web", LIMIT_S)


@every_supervision
def test_an_unknown_unit_is_absent_and_cannot_be_started(make: Make) -> None:
    supervision = make()
    assert supervision.status("nothing").state is UnitState.ABSENT
    with pytest.raises(AdapterError, match="nothing"):
        supervision.start("nothing", LIMIT_S)


@pytest.mark.parametrize("make", ["systemd"], indirect=True)
def test_systemd_is_asked_in_the_given_scope(make: Make, tmp_path: Path) -> None:
    make().start("web", LIMIT_S)
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "--user start web\n"


@pytest.mark.parametrize("make", ["systemd"], indirect=True)
def test_a_failure_of_systemd_carries_the_end_of_the_journal(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKEN", "1")
    with pytest.raises(AdapterError) as caught:
        make().start("web", LIMIT_S)
    assert str(caught.value) == (
        "`systemctl --user --no-pager start -- web` failed: Job for web.service failed because the control process "
        "exited with error code. The end of its journal:\nthe last words of web"
    )


def test_a_host_without_systemd_is_told_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AdapterError, match=r"this host has no systemd\. Use supervision: supervisor\."):
        make_supervision({"supervision": "systemd", "scope": "system"}).status("web")


def test_supervisor_needs_its_socket() -> None:
    with pytest.raises(AdapterError, match="set `socket`"):
        make_supervision({"supervision": "supervisor", "socket": None})
