# SPDX-License-Identifier: Apache-2.0
"""The roles that steps can name: their entry points, arguments, and where each step runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import yaml

from nexus_ansible.errors import RegistryError
from nexus_ansible.registries.document import dotted

if TYPE_CHECKING:
    from collections.abc import Mapping

COLLECTION = "nexus.automation"

_SPECS = {
    "type": "object",
    "properties": {
        "argument_specs": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {"options": {"type": "object", "additionalProperties": {"type": "object"}}},
            },
        }
    },
}
_STEPS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["plays"],
        "additionalProperties": False,
        "properties": {
            "plays": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["hosts"],
                    "additionalProperties": False,
                    "properties": {
                        "hosts": {"type": "string"},
                        "tasks_from": {"type": "string"},
                        "ignore_unreachable": {"type": "boolean"},
                    },
                },
            },
            "on_failure": {"type": "string"},
        },
    },
}


class CatalogError(RegistryError):
    """A role's meta files cannot be read."""


@dataclass(frozen=True)
class StepPlay:
    """One play of a step: which hosts run which entry point.

    `hosts` is `control`, `machines`, `services`, `rollout`, or the group of a service. With `ignore_unreachable` the
    play goes on without hosts that do not answer.
    """

    hosts: str
    entry_point: str
    ignore_unreachable: bool = False


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
    """Roles by the name that a playbook uses for them."""

    roles: Mapping[str, RoleSpec]

    def find(self, name: str) -> RoleSpec | None:
        """The role that a registry names: the collection's own first, then the project's."""
        return self.roles.get(f"{COLLECTION}.{name}") or self.roles.get(name)


def collection_roles() -> Path:
    """Directory of the collection's roles, in a checkout and in an installed wheel alike."""
    return Path(__file__).resolve().parents[2] / "ansible_collections" / "nexus" / "automation" / "roles"


def load_catalog(project: Path) -> Catalog:
    """Read the roles of the collection and of a project. Raises CatalogError for a meta file that makes no sense."""
    roles: dict[str, RoleSpec] = {}
    own = collection_roles().resolve()
    for directory, prefix in ((project / "roles", ""), (own, f"{COLLECTION}.")):
        if directory.resolve() == own and not prefix:
            continue
        for role in sorted(directory.glob("*/")):
            name = f"{prefix}{role.name}"
            specs = _read(role / "meta" / "argument_specs.yml", _checker("specs")).get("argument_specs", {})
            if specs:
                steps = _read(role / "meta" / "steps.yml", _checker("steps"))
                roles[name] = RoleSpec(name, specs, _placements(steps, role / "meta" / "steps.yml", specs))
    return Catalog(roles)


def _placements(steps: Mapping[str, Any], path: Path, entry_points: Mapping[str, Any]) -> dict[str, StepPlacement]:
    placements: dict[str, StepPlacement] = {}
    for step, entry in steps.items():
        plays = tuple(
            StepPlay(play["hosts"], play.get("tasks_from", step), play.get("ignore_unreachable", False))
            for play in entry["plays"]
        )
        undo = entry.get("on_failure")
        for name in [play.entry_point for play in plays] + ([undo] if undo else []):
            if name not in entry_points:
                raise CatalogError(f"{path}: {step} names {name}, which argument_specs.yml does not have.")
        placements[step] = StepPlacement(plays, undo)
    return placements


@cache
def _checker(kind: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"specs": _SPECS, "steps": _STEPS}[kind])


def _read(path: Path, checker: jsonschema_rs.Draft202012Validator) -> dict[str, Any]:
    try:
        data = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise CatalogError(f"{path}: the file cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise CatalogError(f"{path}: not valid YAML: {error}") from error
    wrong = next(checker.iter_errors(data), None)
    if wrong is not None:
        where = dotted(tuple(wrong.instance_path))
        raise CatalogError(f"{path}:{f' {where}:' if where else ''} {wrong.message}")
    found: dict[str, Any] = data
    return found
