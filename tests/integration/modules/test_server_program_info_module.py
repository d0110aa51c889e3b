# SPDX-License-Identifier: Apache-2.0
"""nexus.automation.server_program_info through ansible-playbook."""

from __future__ import annotations

from pathlib import Path

from tests.servers.playbook import run_tasks

FIND = {"nexus.automation.server_program_info": {"name": "redis-server", "provider": "embedded"}}


def test_finding_twice_reports_the_same_and_changes_nothing(tmp_path: Path) -> None:
    run = run_tasks(
        tmp_path,
        [
            {"name": "Find", **FIND},
            {"name": "Find again", **FIND},
            {"name": "Find in check mode", **FIND, "check_mode": True},
        ],
    )
    assert run.returncode == 0, run.output
    first = run.named("Find").result
    assert first["path"].endswith("/valkey-server")
    assert first["version"].startswith("9.")
    for again in ("Find again", "Find in check mode"):
        assert not run.named(again).changed
        assert run.named(again).result["path"] == first["path"]
