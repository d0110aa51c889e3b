# SPDX-License-Identifier: Apache-2.0
"""A machine behind a cloud, and how Ansible is run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.docker import Container
from tests.servers.playbook import REPOSITORY
from tests.servers.run_command.aws import Aws
from tests.servers.run_command.azure import Azure

HOST = "machine"
LIMIT_S = 300
KEPT = ("AWS_", "AZURE_", "REQUESTS_", "HOME", "PATH", "LANG", "LC_", "TMPDIR", "XDG_", "SSL_", "IDENTITY_", "MSI_")


@dataclass(frozen=True)
class Ground:
    """The inventory's variables of the machine, the environment of Ansible, and both ends where they are ours."""

    variables: Mapping[str, Any]
    environment: Mapping[str, str]
    machine: Container | None = None
    own_cloud: Aws | Azure | None = None

    @property
    def cloud(self) -> Aws | Azure:
        """The test's own cloud; a user's is not to be broken."""
        if self.own_cloud is None:
            raise LookupError("this test needs a cloud of its own")
        return self.own_cloud

    @property
    def container(self) -> Container:
        """The test's own machine."""
        if self.machine is None:
            raise LookupError("this test needs a machine of its own")
        return self.machine

    def play(
        self,
        directory: Path,
        tasks: Sequence[Mapping[str, Any]],
        variables: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Run tasks on the machine and return how that ended; `prefix` stands before ansible-playbook."""
        with self.playing(directory, tasks, variables, environment, prefix) as process:
            stdout, _ = process.communicate(timeout=LIMIT_S)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout)

    @contextmanager
    def playing(
        self,
        directory: Path,
        tasks: Sequence[Mapping[str, Any]],
        variables: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> Iterator[subprocess.Popen[str]]:
        """Run tasks on the machine in the background of the block, in a session of their own."""
        directory.mkdir(parents=True, exist_ok=True)
        known = {"ansible_python_interpreter": "/usr/bin/python3", **self.variables, **(variables or {})}
        inventory, playbook, config = (directory / name for name in ("hosts.json", "play.yml", "ansible.cfg"))
        inventory.write_text(json.dumps({"all": {"hosts": {HOST: known}}}), encoding="utf-8")
        playbook.write_text(json.dumps([{"hosts": HOST, "gather_facts": False, "tasks": [*tasks]}]), encoding="utf-8")
        config.write_text("", encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
        process = subprocess.Popen(
            [*prefix, str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(playbook)],
            env={
                **kept,
                "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY),
                "ANSIBLE_CONFIG": str(config),
                "ANSIBLE_HOME": str(directory / "ansible"),
                "ANSIBLE_NOCOLOR": "1",
                **self.environment,
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
