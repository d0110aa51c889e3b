# SPDX-License-Identifier: Apache-2.0
"""A store of the cloud that machines are in: artefacts go through it, and whatever Run Command carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexus_ansible.registries.problems import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nexus_ansible.model.discovery import Discovery
    from nexus_ansible.registries.document import KeyPath
    from nexus_ansible.registries.problems import Problem
    from nexus_ansible.registries.registry_set import Registries

PREFIX = "prefix"


@dataclass(frozen=True)
class ObjectStore:
    """What the registry must say of a store of this cloud, each with an example."""

    cloud: str
    needs: Mapping[str, str]

    @property
    def example(self) -> str:
        """The store in the registry."""
        return f"store: {{{', '.join(f'{key}: {value}' for key, value in self.needs.items())}}}"

    def artefacts(self, discovery: Discovery) -> dict[str, Any]:
        """The store as `nexus.automation.stored_copy` takes it."""
        return {"cloud": self.cloud, **discovery.store}

    def check(self, registries: Registries, path: KeyPath) -> Iterator[Problem]:
        """What the store of an environment says too little or too much, if there is one."""
        where = (*path, "discovery", "store")
        told: Mapping[str, Any] | None = registries.get(where)
        if told is None:
            return
        for key, value in self.needs.items():
            if key not in told:
                yield registries.problem(where, f'the store of "{self.cloud}" needs {key}', f"Add {key}: {value}.")
        known = sorted({*self.needs, PREFIX})
        for key in told:
            if key not in known:
                what = f'the store of "{self.cloud}" has no {quote(key)}'
                yield registries.problem((*where, key), what, f"Known: {', '.join(known)}.", key=True)
