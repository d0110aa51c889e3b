# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.service_restart and service_metrics through ansible-playbook, every step twice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.servers.playbook import run_tasks
from tests.servers.ports import free_port
from tests.servers.supervisord import SupervisordServer

METRICS = "nexus.automation.service_metrics"
PROGRAM = "nexus.automation.supervised_program"
RESTART = "nexus.automation.service_restart"

SERVE = """
import http.server, pathlib, sys
if not pathlib.Path("healthy").exists():
    print("cannot reach the database", flush=True)
class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        healthy = pathlib.Path("healthy").exists()
        self.send_response(200 if healthy else 503)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"visits": 7}')
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Pages).serve_forever()
"""


@pytest.fixture
def port() -> int:
    return free_port()


def _program(supervisord: SupervisordServer, port: int) -> dict[str, Any]:
    home = supervisord.directory / "home"
    home.mkdir(exist_ok=True)
    (home / "healthy").touch()
    return {
        "name": "web-1",
        "socket": str(supervisord.socket),
        "config_dir": str(supervisord.config_dir),
        "command": [sys.executable, "-c", "import sys; exec(open('serve.py').read())", str(port)],
        "directory": str(home),
        "log_file": str(home / "web-1.log"),
        "start_wait": 0,
    }


def _write_server(supervisord: SupervisordServer) -> None:
    (supervisord.directory / "home" / "serve.py").write_text(SERVE, encoding="utf-8")


def test_an_instance_is_restarted_each_time_and_awaited(
    tmp_path: Path, supervisord: SupervisordServer, port: int
) -> None:
    program = _program(supervisord, port)
    _write_server(supervisord)
    targets = [{"name": "web-1", "port": port, "program": "web-1"}]
    waiting = {"targets": targets, "retries": 100, "interval": 0.1, "socket": str(supervisord.socket)}
    restart = {RESTART: {"names": ["web-1"], **waiting}}
    read = {METRICS: {"targets": targets, "socket": str(supervisord.socket)}}
    run = run_tasks(
        tmp_path / "run",
        [
            {"name": "Start", PROGRAM: program},
            {"name": "Restart (check)", **restart, "check_mode": True},
            {"name": "Restart", **restart},
            {"name": "Restart (again)", **restart},
            {"name": "Read", **read},
            {"name": "Read (again)", **read},
            {"name": "Read (check)", **read, "check_mode": True},
        ],
    )
    assert run.returncode == 0, run.output
    started = run.named("Start").result["pid"]
    predicted, first, second = (run.named(f"Restart{suffix}") for suffix in (" (check)", "", " (again)"))
    assert predicted.changed
    assert predicted.result["restarted"] == [{"name": "web-1", "pid_before": started, "pid_after": started}]
    assert first.result["restarted"][0]["pid_before"] == started
    assert first.result["restarted"][0]["pid_after"] not in {started, None}
    assert second.result["restarted"][0]["pid_before"] == first.result["restarted"][0]["pid_after"]
    assert first.result["results"][0]["healthy"] is True
    pid = str(second.result["restarted"][0]["pid_after"])
    for name in ("Read", "Read (again)", "Read (check)"):
        assert not run.named(name).changed
        samples = {
            (sample["metric"], *sample["labels"].values()): sample["value"]
            for sample in run.named(name).result["metrics"]["web-1"]
        }
        assert samples["visits",] == 7
        assert samples["process_resident_memory_bytes", pid] > 1_000_000


def test_an_instance_that_does_not_become_healthy_fails_with_its_log(
    tmp_path: Path, supervisord: SupervisordServer, port: int
) -> None:
    program = _program(supervisord, port)
    _write_server(supervisord)
    target = {"name": "web-1", "port": port, "retries": 100, "interval": 0.1}
    restart = {"names": ["web-1"], "socket": str(supervisord.socket)}
    run = run_tasks(
        tmp_path / "run",
        [
            {"name": "Start", PROGRAM: program},
            {"name": "Restart", RESTART: {**restart, "targets": [target]}},
            {
                "name": "Break it",
                "ansible.builtin.file": {"path": f"{program['directory']}/healthy", "state": "absent"},
            },
            {"name": "Restart the broken one", RESTART: {**restart, "targets": [{**target, "retries": 20}]}},
        ],
    )
    assert run.named("Restart").outcome == "ok", run.output
    failed = run.named("Restart the broken one")
    assert failed.outcome == "failed"
    assert f"  web-1, http://127.0.0.1:{port}/health: HTTP 503 instead of 200" in failed.message
    assert failed.message.endswith("The end of the log of web-1:\ncannot reach the database")


def test_an_unknown_instance_is_refused_before_anything_is_restarted(
    tmp_path: Path, supervisord: SupervisordServer, port: int
) -> None:
    program = _program(supervisord, port)
    _write_server(supervisord)
    run = run_tasks(
        tmp_path / "run",
        [
            {"name": "Start", PROGRAM: program},
            {
                "name": "Restart",
                RESTART: {"names": ["web-1", "web-9"], "socket": str(supervisord.socket)},
                "ignore_errors": True,
            },
            {"name": "Look", PROGRAM: program},
        ],
    )
    assert run.named("Restart").message == (
        "nothing was restarted: there is no web-9 (supervisord does not know it). Correct `names`."
    )
    assert run.named("Look").result["pid"] == run.named("Start").result["pid"]


def test_targets_that_cannot_be_read_are_named_or_tolerated(tmp_path: Path, port: int) -> None:
    targets = {"targets": [{"name": "web-1", "port": port}]}
    run = run_tasks(
        tmp_path,
        [
            {"name": "Tolerate", METRICS: {**targets, "fail_on_error": False}},
            {"name": "Nothing", METRICS: {"targets": []}, "ignore_errors": True},
            {"name": "Refuse", METRICS: targets},
        ],
    )
    cause = f"http://127.0.0.1:{port}/metrics: connection refused"
    assert run.named("Tolerate").result["errors"] == {"web-1": cause}
    assert run.named("Nothing").message == "`targets` is empty, so nothing was read. Give at least one target."
    assert run.named("Refuse").message == f"1 of 1 targets cannot be read:\n  web-1, {cause}"
