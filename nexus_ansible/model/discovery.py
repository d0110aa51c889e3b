# SPDX-License-Identifier: Apache-2.0
"""How the machines of an environment are found at the beginning of each run, where the registry does not list them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus_ansible.model.placing import build_ssh

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.machines import Ssh


@dataclass(frozen=True)
class Discovery:
    """Where to look, and what to expect.

    `at_least` is the number of machines below which a run is refused. `address` says which one the control node takes,
    `private` or `public`; instances always listen on the private one. `labels` are names of tags by the label that they
    are. `connection` is how Ansible gets to a machine: `ssh`, or `run_command`, whose objects `store` keeps. `search`
    is what only the runner understands.
    """

    at_least: int
    address: str
    labels: Mapping[str, str]
    connection: str
    store: Mapping[str, str]
    search: Mapping[str, Any]
    ssh: Ssh


COMMON = frozenset({"address", "connection", "expect", "labels", "store"})
"""Keys of a discovery that mean the same to every runner."""


def build_discovery(environment: Mapping[str, Any]) -> Discovery | None:
    """The discovery of an environment with every default filled in; None where machines are not discovered."""
    data: Mapping[str, Any] | None = environment.get("discovery")
    if data is None:
        return None
    return Discovery(
        at_least=data.get("expect", {}).get("min", 1),
        address=data.get("address", "private"),
        labels=data.get("labels", {}),
        connection=data.get("connection", "ssh"),
        store=data.get("store", {}),
        search={key: value for key, value in data.items() if key not in COMMON},
        ssh=build_ssh("", environment.get("ssh", {})),
    )
