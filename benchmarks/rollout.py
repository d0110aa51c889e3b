# SPDX-License-Identifier: Apache-2.0
"""A rolling update of the backend of a real platform, under steady load through its proxy."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import Row
from tests.integration.roles.load import BUSY_PAUSE_S, Load, steady_load
from tests.integration.roles.scratch import ScratchProject, apply, deploy, make_project, status

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

REQUESTS = 5_000
PATHS = ("/api/version", "/api/version", "/api/visits", "/")


def rows(rounds: int) -> list[Row]:  # noqa: ARG001  # it counts failures, and one is too many at any number of rounds
    """Update the backend once while requests come in."""
    with tempfile.TemporaryDirectory() as name:
        project = make_project(Path(name) / "project")
        try:
            deploy(project)
            load, during = _update(project)
        finally:
            apply(project, "platform_down")
    return [
        Row(
            "rolling update of the backend under steady load through the proxy",
            f"{len(load.failures)} failed of {load.requests:,}, {during:,} of them during the update",
            "0 failed",
            "",
            f"0 failed of >= {REQUESTS:,}",
            not load.failures and load.requests >= REQUESTS,
        )
    ]


def _update(project: ScratchProject) -> tuple[Load, int]:
    source = project.root / "services" / "backend" / "nexus_backend" / "__init__.py"
    before = _releases(project)
    source.write_text(source.read_text(encoding="utf-8") + "\n# a new release\n", encoding="utf-8")
    with steady_load(project.url, PATHS, REQUESTS, pause_s=BUSY_PAUSE_S) as load:
        deploy(project, "--tags", "build,deploy,verify")
        during = load.requests
    if not _releases(project).isdisjoint(before):
        raise AssertionError("the backend was not updated")
    return load, during


def _releases(project: ScratchProject) -> AbstractSet[str]:
    return {row["release"] for name, row in status(project).items() if name.startswith("backend-")}
