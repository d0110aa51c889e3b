# SPDX-License-Identifier: Apache-2.0
"""What AWX makes of a checkout: which playbooks and inventories it offers, and a job as it runs one.

The rules are those of AWX's `awx/main/utils/ansible.py` (`skip_directory`, `could_be_playbook`, `could_be_inventory`),
told here in words of our own:

- nothing below a directory `roles`, `tasks`, `group_vars`, `host_vars`, or whose name begins with a dot; links to
  directories are not followed (`Project.playbooks` and `Project.inventories` in `awx/main/models/projects.py`);
- a playbook is a `.yml` or `.yaml` with a line `hosts:`, `include:` or `import_playbook:`, a dash before it or not;
- an inventory is named `hosts` or `inventory`, ends in `.ini`, is executable, or has no extension and ten first lines
  that begin with a letter, a digit, `_`, `.`, `=` or a bracket.

A job gets the inventory as a script that AWX wrote from its database (`write_inventory_file` in
`awx/main/tasks/jobs.py`), so neither its place nor its text is that of the compiled file.
"""

from __future__ import annotations

import json
import os
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexus_ansible.compile.manifest import MANIFEST
from nexus_ansible.ledger import read
from tests.packaging.building import export, make_environment, run
from tests.packaging.installation import give_free_ports
from tests.packaging.interpreters import CURRENT, interpreters
from tests.servers.ports import free_port

pytestmark = [pytest.mark.xdist_group("awx"), pytest.mark.timeout(900)]

SECRETS = dict.fromkeys(("DATABASE_PASSWORD", "JWT_SECRET_KEY", "REDIS_PASSWORD"), "from a credential")
SKIPPED = {"roles", "tasks", "group_vars", "host_vars"}
PLAYBOOK = re.compile(r"\s*-?\s*(hosts|include|import_playbook):")
INVENTORY_LINE = set(string.ascii_letters + string.digits + "_.=[]")


def offered(project: Path) -> Iterator[Path]:
    """The files that AWX looks at."""
    for directory, names, files in os.walk(project):
        names[:] = [name for name in names if name not in SKIPPED and not name.startswith(".")]
        yield from (Path(directory, name) for name in files)


def is_playbook(path: Path) -> bool:
    text = path.read_text("utf-8", errors="ignore") if path.suffix in {".yml", ".yaml"} else ""
    return any(PLAYBOOK.match(line) for line in text.splitlines())


def is_inventory(path: Path) -> bool:
    if path.name in {"hosts", "inventory"} or path.suffix == ".ini" or os.access(path, os.X_OK):
        return True
    if path.suffix:
        return False
    with path.open(encoding="utf-8", errors="ignore") as lines:
        return all(line[0] in INVENTORY_LINE for line in islice(lines, 10))


def shown(project: Path, paths: Iterator[Path]) -> list[str]:
    return sorted(path.relative_to(project).as_posix() for path in paths)


def test_awx_offers_every_compiled_playbook(source: Path) -> None:
    compiled = json.loads((source / MANIFEST).read_text("utf-8"))["outputs"]
    playbooks = {name for name in compiled if name.startswith("playbooks/")}
    found = shown(source, (path for path in offered(source) if is_playbook(path)))
    assert {name for name in found if name.startswith("playbooks/")} == playbooks
    assert [name for name in found if name.startswith("ansible_collections/")] == []


def test_awx_offers_every_compiled_inventory(source: Path) -> None:
    compiled = json.loads((source / MANIFEST).read_text("utf-8"))["outputs"]
    inventories = {name for name in compiled if name.startswith("inventories/")}
    found = shown(source, (path for path in offered(source) if is_inventory(path)))
    assert set(found) >= inventories
    assert len(found) < 50, "AWX shows no more than 50"


@dataclass(frozen=True)
class Job:
    """A private data directory as AWX fills it, and the programs of an execution environment."""

    directory: Path
    programs: Path
    path: str

    @property
    def project(self) -> Path:
        return self.directory / "project"

    def run(self, playbook: str, *options: str, expect: int = 0) -> str:
        """Run a playbook of the project the way AWX does; return what it prints."""
        (self.directory / "env" / "cmdline").write_text(" ".join(options), "utf-8")
        argv = [str(self.programs / "ansible-runner"), "run", str(self.directory), "-p", f"playbooks/{playbook}.yml"]
        return run(
            [*argv, "--inventory", str(self.directory / "inventory" / "hosts")], Path("/"), self._environment, expect
        ).stdout

    @property
    def _environment(self) -> dict[str, str]:
        # AWX puts the paths of the project's ansible.cfg between its own.
        collections = f"{self.directory}/requirements_collections:.:/usr/share/ansible/collections"
        return {
            "PATH": self.path,
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": collections,
            **SECRETS,
        }

    def sync_inventory(self) -> None:
        """Do what an inventory update and the start of a job do: read it, keep it, and write it as a script."""
        argv = [str(self.programs / "ansible-inventory"), "-i", "inventories/production/hosts", "--list", "--export"]
        told: dict[str, Any] = json.loads(run(argv, self.project, self._environment).stdout)
        script = self.directory / "inventory" / "hosts"
        script.write_text(f"#!{sys.executable}\nprint({json.dumps(told)!r})\n", "utf-8")
        script.chmod(0o700)

    def records(self) -> list[dict[str, Any]]:
        """What the ledger of the project holds."""
        ledger = self.project / ".nexus" / "ledger"
        return [entry.record for entry in read(ledger)] if ledger.exists() else []


@pytest.fixture(scope="module")
def job(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A checkout in `project/`, and an environment with the package, whose command line nobody can call."""
    directory = tmp_path_factory.mktemp("awx")
    programs = make_environment(directory / "ee", interpreters()[CURRENT][0], str(wheel))
    reachable = directory / "bin"
    reachable.mkdir()
    for program in programs.glob("ansible*"):
        (reachable / program.name).symlink_to(program)
    data = directory / "runner"
    for name in ("env", "inventory"):
        (data / name).mkdir(parents=True)
    export(data / "project")
    give_free_ports(data / "project", free_port())
    job = Job(data, programs, f"{reachable}:{os.defpath}")
    run([str(programs / "nexus-ansible"), "compile"], job.project, job._environment)
    job.sync_inventory()
    return job


def test_a_project_update_installs_what_the_project_requires(job: Job) -> None:
    argv = [str(job.programs / "ansible-galaxy"), "collection", "install", "-r", "collections/requirements.yml"]
    run([*argv, "-p", str(job.directory / "requirements_collections")], job.project, job._environment)


def test_a_job_checks_a_deployment_and_lands_in_the_ledger(job: Job) -> None:
    before = len(job.records())
    job.run("deployment_production", "--tags validate")
    new = job.records()[before:]
    begun, *tasks, ended = new
    assert (begun["via"], begun["workflow"], begun["env"]) == (
        "ansible-playbook",
        "deployment.production",
        "production",
    )
    assert (ended["kind"], ended["outcome"]) == ("run_ended", "ok")
    assert {task["step"] for task in tasks if task.get("step")} == {"validate"}


def test_a_job_takes_the_project_for_its_root_though_the_inventory_is_a_copy(job: Job) -> None:
    (job.project / "playbooks" / "root.yml").write_text(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.assert:\n        that: nexus_root == playbook_dir | dirname\n",
        "utf-8",
    )
    assert "All assertions passed" in job.run("root")


def test_a_job_is_refused_what_the_registries_refuse(job: Job) -> None:
    path = job.project / "config" / "ssot" / "security_registry.yaml"
    text = path.read_text("utf-8")
    registry = yaml.safe_load(text)
    registry["security"]["authorization"] |= {
        "roles": {"watcher": {"permissions": ["read"]}},
        "default_role": "watcher",
    }
    try:
        path.write_text(yaml.safe_dump(registry, sort_keys=False), "utf-8")
        told = job.run("deployment_production", "--tags validate", expect=7)
    finally:
        path.write_text(text, "utf-8")
    assert "config/ssot/security_registry.yaml:" in told
