# SPDX-License-Identifier: Apache-2.0
"""A project of one's own: registries and services copied, ports free, secrets made up, playbooks compiled."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from nexus_ansible.run.ansible import fast_strategy
from tests.servers.playbook import REPOSITORY, PlaybookRun, TaskResult
from tests.servers.ports import free_port, free_range
from tests.servers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLAYBOOK_LIMIT_S = 900
PORTS = 40
ORCHESTRATION = Path("config") / "ssot" / "orchestration_registry.yaml"
BODY_LIMIT = "1M"
REDIS_PARAMETERS = {"maxmemory": "64mb", "maxmemory-policy": "allkeys-lru", "activedefrag": False}
SECRETS = {
    "DATABASE_PASSWORD": "canary-database 'quoted' \"twice\" $HOME /%40",
    "REDIS_PASSWORD": "canary-redis/+:@",
    "JWT_SECRET_KEY": "canary-jwt",
}


@dataclass(frozen=True)
class ScratchProject:
    """A project in a directory of its own; `port` is its proxy's."""

    root: Path
    port: int

    @property
    def url(self) -> str:
        """The platform's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def home(self) -> Path:
        """Where the instances are."""
        return self.root / ".nexus" / "production"

    @property
    def runtime(self) -> Path:
        """Where its sockets, secrets and gates are."""
        return Path("/dev/shm") / f"nexus-{hashlib.sha256(str(self.home).encode()).hexdigest()[:12]}"


def make_project(root: Path) -> ScratchProject:
    """Copy the repository's registries and services; give the instances free ports and little time to start."""
    shutil.copytree(REPOSITORY / "config", root / "config", ignore=shutil.ignore_patterns("schemas"))
    shutil.copytree(REPOSITORY / "services", root / "services", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    project = ScratchProject(root, free_port())

    def settle(orchestration: dict[str, Any]) -> None:
        services = orchestration["services"]
        services["proxy"] |= {"port": project.port, "settings": {"body_limit": BODY_LIMIT}}
        services["redis"]["settings"]["parameters"] = REDIS_PARAMETERS
        services["backend"]["scaling"] |= {"min_replicas": 3, "max_replicas": 4}
        services["backend"]["health_check"] |= {"start_period": "20s", "timeout": "5s"}
        services["frontend"]["scaling"] |= {"min_replicas": 2, "max_replicas": 2}
        services["database"]["scaling"] |= {"max_replicas": 1}
        ports = free_range(PORTS)
        orchestration["environments"]["production"]["port_range"] = f"{ports[0]}-{ports[-1]}"

    edit(project, settle)
    return project


def edit(project: ScratchProject, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the orchestration registry and compile the project again."""
    path = project.root / ORCHESTRATION
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(data["orchestration"])
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    argv = [sys.executable, "-m", "nexus_ansible", "compile", "--project", str(project.root)]
    done = subprocess.run(argv, cwd=REPOSITORY, env=_clean(), check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def scale(project: ScratchProject, service: str, replicas: int) -> None:
    """Set the number of a service's instances in the registry."""

    def change(orchestration: dict[str, Any]) -> None:
        orchestration["services"][service]["scaling"]["min_replicas"] = replicas

    edit(project, change)


def apply(project: ScratchProject, playbook: str, *options: str, env: Mapping[str, str] = SECRETS) -> PlaybookRun:
    """Run a compiled playbook as anybody would; `options` go to ansible-playbook."""
    results = project.root / "results.jsonl"
    results.unlink(missing_ok=True)
    done = subprocess.run(
        _argv(playbook, *options),
        cwd=project.root,
        env=_environment(project, results, env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=PLAYBOOK_LIMIT_S,
        check=False,
    )
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    return PlaybookRun(done.returncode, done.stdout, [TaskResult(**json.loads(line)) for line in lines])


def kill_when(project: ScratchProject, playbook: str, *options: str, condition: Callable[[], bool]) -> None:
    """Run a compiled playbook, and kill ansible-playbook and its workers as soon as `condition` holds."""
    process = subprocess.Popen(
        _argv(playbook, *options),
        cwd=project.root,
        env=_environment(project, project.root / "killed.jsonl", SECRETS),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_until(lambda: condition() or process.poll() is not None, "the moment to kill it", PLAYBOOK_LIMIT_S)
        assert process.poll() is None, "the run ended before it could be killed"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def deploy(project: ScratchProject, *options: str) -> PlaybookRun:
    """Deploy and require that it went well."""
    run = apply(project, "deployment_production", *options)
    assert run.returncode == 0, run.output[-6000:]
    return run


def changed_tasks(run: PlaybookRun) -> list[str]:
    """Return host and name of each task that changed something."""
    return [f"{result.host}: {result.task}" for result in run.results if result.changed and result.outcome == "ok"]


def status(project: ScratchProject) -> dict[str, dict[str, Any]]:
    """Return what the step `status` tells, by instance."""
    run = apply(project, "platform_status")
    assert run.returncode == 0, run.output[-6000:]
    told = [result.result["ansible_stats"] for result in run.results if "ansible_stats" in result.result]
    assert len(told) == 1
    return {row["instance"]: row for row in told[0]["data"]["nexus_status"]["instances"]}


def get(project: ScratchProject, path: str) -> str:
    """Return what the platform answers."""
    with urllib.request.urlopen(f"{project.url}{path}", timeout=30) as response:
        return str(response.read().decode())


def change_source(project: ScratchProject, old: str, new: str) -> None:
    """Change the backend's source: `old` becomes `new`, or `new` is added at its end when `old` is empty."""
    path = project.root / "services" / "backend" / "nexus_backend" / "__init__.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new) if old else text + new, encoding="utf-8")


def backends(project: ScratchProject) -> dict[str, dict[str, Any]]:
    """Return what the step `status` tells of the backends."""
    return {name: row for name, row in status(project).items() if row["service"] == "backend"}


def _argv(playbook: str, *options: str) -> list[str]:
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return [program, "-i", "inventories/production", f"playbooks/{playbook}.yml", *options]


def _environment(project: ScratchProject, results: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    configuration = project.root / "empty.cfg"
    configuration.write_text("", encoding="utf-8")
    return {
        **_clean(),
        **secrets,
        **fast_strategy(),
        "ANSIBLE_CALLBACKS_ENABLED": "task_results",
        "ANSIBLE_CALLBACK_PLUGINS": str(REPOSITORY / "tests" / "servers" / "callback_plugins"),
        "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY),
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOME": str(project.root / ".ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "NEXUS_TEST_RESULTS": str(results),
    }


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "NEXUS_"))}
