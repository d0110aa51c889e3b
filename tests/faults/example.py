# SPDX-License-Identifier: Apache-2.0
"""The example platform under the installed command, on ports of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.command import edit, nexus
from tests.integration.roles.scratch import make_project
from tests.servers.ports import free_port, free_range

STAGING_PORTS = 30


@dataclass(frozen=True)
class Example:
    """A project with the example's registries and services; `port` is its production proxy's."""

    root: Path
    port: int

    @classmethod
    def make(cls, root: Path) -> Example:
        """Copy the example, and give both environments free ports."""
        scratch = make_project(root)

        def settle(data: dict[str, Any]) -> None:
            ports = free_range(STAGING_PORTS)
            staging = data["orchestration"]["environments"]["staging"]
            staging["port_range"] = f"{ports[0]}-{ports[-1]}"
            staging["overrides"]["orchestration"]["services"]["proxy"]["port"] = free_port()

        edit(root, "orchestration", settle)
        return cls(root, scratch.port)

    def instances(self, environment: str = "production") -> dict[str, dict[str, Any]]:
        """What `status` tells of each instance."""
        done = nexus(self.root, "status", environment, "--json")
        rows = json.loads(done.stdout)["environments"][environment]
        return {row["instance"]: row for row in rows}


@contextmanager
def example_platform(root: Path) -> Iterator[Example]:
    """The example with its production up; everything is taken down with the block."""
    example = Example.make(root)
    try:
        done = nexus(root, "apply", "production", "--yes")
        assert done.returncode == 0, done.stderr
        yield example
    finally:
        for environment in ("staging", "production"):
            down = nexus(root, "down", environment, "--yes")
            assert down.returncode == 0, down.stderr
