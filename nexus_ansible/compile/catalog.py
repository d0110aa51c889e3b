# SPDX-License-Identifier: Apache-2.0
"""The roles that steps can name: their entry points, arguments, and where each step runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nexus_ansible.errors import NexusError

COLLECTION = "nexus.automation"


class CatalogError(NexusError):
    """A role's meta files cannot be read."""

    exit_code = 4


@dataclass(frozen=True)
class StepPlay:
    """One play of a step: which hosts (`control`, `machines`, `services`, `rollout`, a pattern) run which entry point."""

    hosts: str
    entry_point: str


@dataclass(frozen=True)
class StepPlacement:
    """The plays of a step, and the step that undoes it when it failed for good."""

    plays: tuple[StepPlay, ...]
    on_failure: str | None = None


@dataclass(frozen=True)
class RoleSpec:
    """A role: `name` as a playbook writes it, argument specs by entry point, placement by step."""

    name: str
    entry_points: Mapping[str, Mapping[str, Any]]
    placements: Mapping[str, StepPlacement]

    def placement(self, entry_point: str) -> StepPlacement:
        """Where an entry point runs: as meta/steps.yml says, else on the control node."""
        return self.placements.get(entry_point, StepPlacement((StepPlay("control", entry_point),)))


@dataclass(frozen=True)
class Catalog:
    """Roles by the name that a registry may use for them."""

    roles: Mapping[str, RoleSpec]
    files: tuple[Path, ...]

    def find(self, name: str) -> RoleSpec | None:
        """The role of a name: the collection's own first, then the project's."""
        return self.roles.get(f"{COLLECTION}.{name}") or self.roles.get(name)


def collection_roles() -> Path:
    """Directory of the collection's roles, in a checkout and in an installed wheel alike."""
    return Path(__file__).resolve().parents[2] / "ansible_collections" / "nexus" / "automation" / "roles"


def catalog_files(project: Path) -> tuple[Path, ...]:
    """The meta files that decide what the compiler writes, sorted; they are inputs like the registries."""
    return tuple(
        sorted(
            path
            for directory in {collection_roles().resolve(), (project / "roles").resolve()}
            for path in [*directory.glob("*/meta/argument_specs.yml"), *directory.glob("*/meta/steps.yml")]
        )
    )


def load_catalog(project: Path) -> Catalog:
    """Read the roles of the collection and of a project. Raises CatalogError for a meta file that is not YAML."""
    roles: dict[str, RoleSpec] = {}
    own = collection_roles().resolve()
    for directory, prefix in ((project / "roles", ""), (own, f"{COLLECTION}.")):
        if directory.resolve() == own and not prefix:
            continue
        for role in sorted(directory.glob("*/")):
            name = f"{prefix}{role.name}"
            specs = _read(role / "meta" / "argument_specs.yml").get("argument_specs") or {}
            if specs:
                placements = _placements(_read(role / "meta" / "steps.yml"))
                roles[name] = RoleSpec(name, {key: value or {} for key, value in specs.items()}, placements)
    return Catalog(roles, catalog_files(project))


def _placements(data: Mapping[str, Any]) -> dict[str, StepPlacement]:
    return {
        step: StepPlacement(
            tuple(StepPlay(play["hosts"], play.get("tasks_from", step)) for play in entry["plays"]),
            entry.get("on_failure"),
        )
        for step, entry in data.items()
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        raise CatalogError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise CatalogError(f"{path}: expected a mapping")
    return data
