# SPDX-License-Identifier: Apache-2.0
"""The machine that runs the tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.nexus.automation.plugins.module_utils.machines.surroundings import look_around
from ansible_collections.nexus.automation.plugins.module_utils.supervision.supervisor import SupervisorSupervision
from tests.servers.ports import free_port, free_range

PORTS = 60
STOP_LIMIT_S = 30


@dataclass(frozen=True)
class LocalGround:
    """Free ports of this machine."""

    project: Path
    port: int = field(default_factory=free_port)
    variables: dict[str, str] = field(default_factory=dict)
    ports: range = field(default_factory=lambda: free_range(PORTS))

    @property
    def environment(self) -> dict[str, Any]:
        """One word, and ports that nothing else uses."""
        return {
            "runner": "local",
            "port_range": f"{self.ports[0]}-{self.ports[-1]}",
            "overrides": {"orchestration": {"services": {"proxy": {"port": self.port}}}},
        }

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self, instance: dict[str, Any]) -> None:
        """Kill its process."""
        os.kill(instance["pid"], signal.SIGKILL)

    def stop(self, instance: dict[str, Any]) -> None:
        """Have its supervisord stop it."""
        runtime = look_around(self.project / ".nexus" / "production", "supervisor", None).runtime
        supervision = SupervisorSupervision.from_options({"socket": str(runtime / "supervisor.sock")})
        supervision.stop(instance["instance"], STOP_LIMIT_S)

    def left(self) -> list[str]:
        """Processes that name the project's state in their command lines."""
        argv = ["pgrep", "--full", "--list-full", str(self.project / ".nexus" / "production")]
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout.splitlines()


@contextlib.contextmanager
def local_ground(project: Path) -> Iterator[LocalGround]:
    """Nothing has to be made."""
    yield LocalGround(project)
