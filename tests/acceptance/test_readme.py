# SPDX-License-Identifier: Apache-2.0
"""The README on a clean clone: every command as printed, and what it promises."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.waiting import wait_until

pytestmark = [pytest.mark.platform, pytest.mark.xdist_group("acceptance"), pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
COUNT = re.compile(r'<data id="visits" value="([0-9]+)">')


class Clone:
    """A clean clone in which commands run as a person types them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("VIRTUAL_ENV", "PYTHON"))
        }
        path = f"{directory / '.venv' / 'bin'}:{os.environ['PATH']}"
        self.environment = {**inherited, "PATH": path, "XDG_STATE_HOME": str(directory.parent / "state")}

    def run(self, command: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a command of the README in a shell; it must end with the code expected."""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )
        assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def instances(self, expect: int = 0) -> dict[str, dict[str, Any]]:
        """What `status` says, by instance."""
        told = json.loads(self.run("nexus-ansible status production --json", expect).stdout)
        return {row["instance"]: row for row in told["environments"]["production"]}

    def page(self) -> str:
        """The page at the address that `make apply` prints."""
        with urllib.request.urlopen("http://127.0.0.1:8080/", timeout=10) as answer:
            body: bytes = answer.read()
        return body.decode()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clean clone with the platform up; taken down at the end, when nothing may be left."""
    directory = tmp_path_factory.mktemp("readme") / "nexus-ansible"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(directory)], check=True)
    clone = Clone(directory)
    applied = clone.run("make apply")
    assert "http://127.0.0.1:8080/" in applied.stdout
    ports = [row["address"].rpartition(":")[2] for row in clone.instances().values()]
    yield clone
    clone.run("make down")
    assert [port for port in ports if _accepts(int(port))] == []
    assert _processes_below(directory / ".nexus") == []


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _processes_below(directory: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in command:
            found.append(command)
    return found


def test_the_address_answers_through_proxy_frontend_backend_postgresql_and_redis(clone: Clone) -> None:
    first, second = (COUNT.search(clone.page()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert int(second[1]) > int(first[1])


def test_a_second_apply_changes_nothing(clone: Clone) -> None:
    assert " changed=0 " in clone.run("make apply").stdout


@pytest.mark.parametrize(
    "command",
    re.findall(r"^\$ (nexus-ansible .*)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE),
)
def test_a_command_of_the_readme_works_as_printed(clone: Clone, command: str) -> None:
    assert clone.run(command).stdout.strip()


def test_a_killed_backend_is_seen_by_status_and_comes_back(clone: Clone) -> None:
    victim = clone.instances()["backend-2"]
    processes = [int(victim["pid"]), *_children(int(victim["pid"]))]
    for pid in processes:  # held still first: supervision would be faster than the look at it
        os.kill(pid, signal.SIGSTOP)
    try:
        ill = clone.instances(expect=6)
        assert ill["backend-2"]["health"] != "healthy"
        assert ill["backend-1"]["health"] == "healthy"
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: _accepts(int(victim["address"].rpartition(":")[2])), "backend-2 to come back")
    again = clone.instances()["backend-2"]
    assert again["health"] == "healthy"
    assert again["pid"] != victim["pid"]


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_one_replica_more_is_planned_applied_explained_and_recorded(clone: Clone) -> None:
    registry = clone.directory / "config" / "ssot" / "orchestration_registry.yaml"
    text = registry.read_text("utf-8")
    changed = text.replace("min_replicas: 3", "min_replicas: 4")
    assert changed != text
    registry.write_text(changed, "utf-8")
    planned = json.loads(clone.run("nexus-ansible plan production --json").stdout)
    assert {change["host"] for change in planned["changes"]} >= {"backend-4"}
    diff = clone.run("git diff --unified=0 inventories").stdout
    added = [line for line in diff.splitlines() if line.startswith("+") and "backend-4" in line]
    assert len(added) >= 1

    clone.run(f'nexus-ansible apply production --plan {planned["plan"]} --reason "more visitors" --yes')
    assert clone.instances()["backend-4"]["health"] == "healthy"
    explained = clone.run("nexus-ansible explain orchestration.services.backend.scaling.min_replicas --env production")
    line = next(number for number, row in enumerate(changed.splitlines(), 1) if "min_replicas: 4" in row)
    assert f"config/ssot/orchestration_registry.yaml:{line}:" in explained.stdout
    log = json.loads(clone.run("nexus-ansible audit log --json --since 1h").stdout)
    begun = next(record for record in reversed(log) if record["plan"] == planned["plan"] and not record.get("check"))
    assert begun["actor"]
    assert any((record["payload"] or {}).get("reason") == "more visitors" for record in log)

    registry.write_text(text, "utf-8")
    clone.run('nexus-ansible apply production --reason "back again" --yes')
    assert "backend-4" not in clone.instances()


def test_plain_ansible_playbook_does_the_same_and_lands_in_the_same_ledger(clone: Clone) -> None:
    done = clone.run("ansible-playbook -i inventories/production playbooks/deployment_production.yml")
    recap = done.stdout.rpartition("PLAY RECAP")[2]
    assert set(re.findall(r"changed=([0-9]+)", recap)) == {"0"}
    last = json.loads(clone.run("nexus-ansible audit log --json --since 1h").stdout)[-1]
    assert (last["kind"], last["outcome"], last["workflow"]) == ("run_ended", "ok", "deployment.production")
    clone.run("nexus-ansible audit verify --integrity-only")
