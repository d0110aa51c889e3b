# SPDX-License-Identifier: Apache-2.0
"""The unit that supervises an instance where systemd runs: systemd itself finds nothing wrong with it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.playbook import REPOSITORY, run_tasks

if TYPE_CHECKING:
    from pathlib import Path

ROLE = REPOSITORY / "roles" / "runner_machine"
UNIT = "project-test-example-1.service"


@pytest.mark.parametrize(("unprivileged", "account"), [(False, ""), (True, ""), (False, "daemon")])
def test_systemd_accepts_the_unit_of_a_path_with_blanks_and_percent_signs(
    tmp_path: Path, unprivileged: bool, account: str
) -> None:
    home = tmp_path / "a b%c"
    launcher = home / "instances" / "localhost" / "current" / "run"
    launcher.parent.mkdir(parents=True)
    launcher.write_text("#!/bin/sh\n", encoding="utf-8")
    launcher.chmod(0o700)
    variables: dict[str, Any] = {
        "runner_machine_found": {
            "home": str(home),
            "uid": 0,
            "scope": "system",
            "python": sys.executable,
            "seals": False,
            "memory": "/run",
            "runtime": "/run/nexus",
            "has_accounts": account != "",
        },
        "runner_instance": {
            "account": account,
            "data": str(home / "instances" / "localhost" / "data"),
            "runtime": "/run/nexus/localhost" if account else "/run/nexus",
        },
        "__runner_machine_has_secrets": False,
        "nexus_project": "project",
        "nexus_environment": "test",
        "runner_difference": {"version": "0123456789ab-ba9876543210"},
        "runner_placement": {
            "argv": ["/bin/true"],
            "unprivileged": unprivileged,
            "stop_signal": "INT",
            "low_port": True,
        },
    }
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.include_vars": str(ROLE / "defaults" / "main.yml")},
        {"ansible.builtin.include_vars": str(ROLE / "vars" / "main.yml")},
        {
            "ansible.builtin.template": {
                "src": str(ROLE / "templates" / "instance.service.j2"),
                "dest": str(tmp_path / UNIT),
                "mode": "0644",
            }
        },
    ]
    run = run_tasks(tmp_path / "run", tasks, variables={**variables, "runner_machine_supervision": "systemd"})
    assert run.returncode == 0, run.output
    text = (tmp_path / UNIT).read_text(encoding="utf-8")
    assert "X-Nexus-Restart-On=0123456789ab\n" in text
    assert "KillSignal=SIGINT\n" in text
    if shutil.which("systemd-analyze"):
        argv = ["systemd-analyze", "verify", str(tmp_path / UNIT)]
        verified = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
        assert (verified.returncode, verified.stderr) == (0, "")
