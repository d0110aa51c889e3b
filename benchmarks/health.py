# SPDX-License-Identifier: Apache-2.0
"""Health of 200 HTTP targets: one `service_health` task against 200 hosts with `ansible.builtin.uri`, in one run.

CPU seconds of ansible-playbook and everything it starts; the server that answers runs in this process, uncounted.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import REPOSITORY, Cost, Row, clean_environment, cost_of, in_turns

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGETS = 200
FORKS = 25
LIMIT_CPU_S = 3.0


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        """Keep the output clean."""


def rows(rounds: int) -> list[Row]:
    """Measure one task for all targets, and one host for each."""
    with _server() as port, tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        uri = {"ansible.builtin.uri": {"url": f"http://127.0.0.1:{port}/health"}}
        (ours,) = in_turns(partial(_measure, directory, "localhost", _service_health(port), 1), rounds=rounds)
        peer = _measure(directory, "all", uri, TARGETS)
    return [
        Row(
            f"health of {TARGETS} HTTP targets in one task",
            f"{ours.cpu:.2f} CPU s",
            f"{TARGETS} hosts with `ansible.builtin.uri`, forks {FORKS}: {peer.cpu:.2f} CPU s",
            f"{peer.cpu / ours.cpu:.1f}x fewer",
            f"<= {LIMIT_CPU_S:g} CPU s",
            ours.cpu <= LIMIT_CPU_S,
        )
    ]


@contextlib.contextmanager
def _server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _service_health(port: int) -> dict[str, Any]:
    targets = [{"name": f"web-{place}", "port": port} for place in range(TARGETS)]
    return {"nexus.automation.service_health": {"targets": targets}}


def _inventory(count: int) -> str:
    names = ["localhost", *(f"web-{place}" for place in range(count - 1))]
    settings = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    return "".join(f"{name} {settings}\n" for name in names)


def _measure(directory: Path, hosts: str, task: dict[str, Any], count: int) -> Cost:
    playbook, inventory = directory / "playbook.yml", directory / "hosts"
    playbook.write_text(json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    inventory.write_text(_inventory(count), encoding="utf-8")
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    environment = clean_environment(ANSIBLE_COLLECTIONS_PATH=str(REPOSITORY), ANSIBLE_HOME=str(directory / "home"))
    return cost_of([program, "-i", str(inventory), "--forks", str(FORKS), str(playbook)], directory, environment)
