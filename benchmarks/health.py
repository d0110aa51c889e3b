# SPDX-License-Identifier: Apache-2.0
"""Health of 200 HTTP targets: one `service_health` task against 200 hosts with `ansible.builtin.uri`, in one run.

CPU seconds of ansible-playbook and everything it starts; the server that answers runs in this process, uncounted.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGETS = 200
FORKS = 25
LIMIT_CPU_S = 3.0
REPOSITORY = Path(__file__).resolve().parent.parent


class _Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        """Keep the output clean."""


def figures() -> dict[str, Any]:
    """Measure both ways and one `ping` task; CPU seconds, and how many times fewer ours takes."""
    with _server() as port, tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        ping = _measure(directory, _play("localhost", {"ansible.builtin.ping": {}}), _inventory(1))
        ours = _measure(directory, _play("localhost", _service_health(port)), _inventory(1))
        uri = {"ansible.builtin.uri": {"url": f"http://127.0.0.1:{port}/health"}}
        peer = _measure(directory, _play("all", uri), _inventory(TARGETS))
    return {
        "targets": TARGETS,
        "one ping task, CPU s": round(ping, 2),
        "one service_health task, CPU s": round(ours, 2),
        f"{TARGETS} hosts with uri, forks {FORKS}, CPU s": round(peer, 2),
        "times fewer": round(peer / ours, 1),
        "limit, CPU s": LIMIT_CPU_S,
        "reached": ours <= LIMIT_CPU_S,
    }


@contextlib.contextmanager
def _server() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def _service_health(port: int) -> dict[str, Any]:
    targets = [{"name": f"web-{place}", "port": port} for place in range(TARGETS)]
    return {"nexus.automation.service_health": {"targets": targets}}


def _play(hosts: str, task: dict[str, Any]) -> str:
    return json.dumps([{"hosts": hosts, "gather_facts": False, "tasks": [task]}])


def _inventory(count: int) -> str:
    names = ["localhost", *(f"web-{place}" for place in range(count - 1))]
    settings = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    return "".join(f"{name} {settings}\n" for name in names)


def _measure(directory: Path, play: str, inventory: str) -> float:
    playbook, hosts = directory / "playbook.yml", directory / "hosts"
    playbook.write_text(play, encoding="utf-8")
    hosts.write_text(inventory, encoding="utf-8")
    program = Path(sys.executable).with_name("ansible-playbook")
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY), "ANSIBLE_HOME": str(directory / "home")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [str(program), "-i", str(hosts), "--forks", str(FORKS), str(playbook)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        timeout=1800,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    print(json.dumps(figures(), indent=2))
