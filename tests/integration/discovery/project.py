# SPDX-License-Identifier: Apache-2.0
"""A project whose machines a cloud tells of, and what must hold whichever cloud that is."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.command import ends, environment, nexus, said_plainly, tree
from tests.projects.registry_text import write_registries
from tests.servers.playbook import REPOSITORY

REASON = ("--yes", "--reason", "a test of discovery")
AUTOMATION = "automation: {workflows: {deployment: {production: {steps: [validate, deploy, verify]}}}}"
API = {"command": ["./serve"], "source": "api", "scaling": {"min_replicas": 3, "max_replicas": 3}}
_BIN = Path(sys.executable).parent
_LIMIT_S = 300


def make_project(root: Path, production: Mapping[str, Any]) -> Path:
    """A compiled project of one service with three instances, whose environment is `production`."""
    orchestration = json.dumps(
        {"orchestration": {"services": {"api": API}, "environments": {"production": production}}}
    )
    project = write_registries(root / "project", orchestration=orchestration, automation=AUTOMATION).root
    (project / "api").mkdir()
    (project / "api" / "serve").write_text("#!/bin/sh\n", "utf-8")
    done = nexus(project, "compile")
    assert done.returncode == 0, done.stderr
    return project


def refused(project: Path, variables: Mapping[str, str], secret: str, *told: str) -> bool:
    """Both a plan and the real thing end with 7, say why, and give away no credential."""
    for command in (("plan", "production"), ("apply", "production", *REASON)):
        done = nexus(project, *command, env=environment(project, **variables))
        assert said_plainly(done, 7, *told)
        assert secret not in done.stdout + done.stderr
    assert set(ends(project)) == {"refused"}
    assert not any(secret.encode() in text for text in tree(project / ".nexus").values())
    return True


def host_variables(project: Path, variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Variables of all hosts of the inventory, by name, as plain Ansible reads it."""
    done = ansible(project, variables, "ansible-inventory", "-i", "inventories/production", "--list")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["_meta"]["hostvars"]
    return {name: _plain(host) for name, host in found.items()}


def ansible(project: Path, variables: Mapping[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Ansible's in the project, without nexus-ansible."""
    shell = {**environment(project, **variables), "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY)}
    return subprocess.run(
        [str(_BIN / argv[0]), *argv[1:]],
        cwd=project,
        env=shell,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )


def _plain(value: Any) -> Any:
    """A value without the mark that Ansible gives to what came from outside."""
    if isinstance(value, dict):
        return value["__ansible_unsafe"] if "__ansible_unsafe" in value else {k: _plain(v) for k, v in value.items()}
    return [_plain(member) for member in value] if isinstance(value, list) else value
