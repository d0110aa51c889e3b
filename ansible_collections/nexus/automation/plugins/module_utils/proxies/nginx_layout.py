# SPDX-License-Identifier: Apache-2.0
"""What an nginx tells of itself: JSON that its configuration has it serve as `/layout`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AdapterError
from .gates import gate_path, read_gate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .admin_api import AdminApi

PATH = "/layout"


@dataclass(frozen=True)
class NginxLayout:
    """Where one nginx has its program, configuration, pid file, gates and files of servers; its upstreams by pool."""

    program: str
    configuration: Path
    pid_file: Path
    gates: Path
    servers: Path
    pools: Mapping[str, Sequence[str]]

    def gates_of(self, pool: str) -> dict[str, Path]:
        """Return the pool's gates by name; raise AdapterError when there is no such pool."""
        if pool not in self.pools:
            known = ", ".join(self.pools) or "none"
            raise AdapterError(
                f'nginx with {self.configuration} has no pool "{pool}"; there are: {known}. '
                "Correct the name, or load a configuration and a layout that have it."
            )
        return {name: gate_path(self.gates, name) for name in self.pools[pool]}

    def addresses(self, pool: str) -> dict[str, str]:
        """Return what each of the pool's gates holds, by its name: an address, or nothing when it is closed."""
        return {name: read_gate(gate) for name, gate in self.gates_of(pool).items()}


def read_layout(api: AdminApi) -> NginxLayout:
    """Ask nginx for its layout; raise UnreachableError when it does not answer and AdapterError for another answer."""
    text = api.get(PATH)
    try:
        told = json.loads(text)
        return NginxLayout(
            program=told["program"],
            configuration=Path(told["configuration"]),
            pid_file=Path(told["pid_file"]),
            gates=Path(told["gates"]),
            servers=Path(told["servers"]),
            pools=dict(told["pools"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AdapterError(
            f"nginx at {api.address} answers {PATH} with no layout ({type(error).__name__}: {error}). "
            "Correct the file that it serves."
        ) from error
