# SPDX-License-Identifier: Apache-2.0
"""The JSON Schemas of the five registries, as shipped, and what they say about a value."""

from __future__ import annotations

import json
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nexus_ansible.registries.document import KeyPath

SCHEMAS = Path(__file__).with_name("schemas")
REGISTRIES = ("automation", "pipeline", "orchestration", "monitoring", "security")
ROOT_KEYS = {
    "automation": "automation",
    "pipeline": "pipelines",
    "orchestration": "orchestration",
    "monitoring": "monitoring",
    "security": "security",
}


def file_name(registry: str) -> str:
    """Name of a registry's file: `automation` -> `automation_registry.yaml`."""
    return f"{registry}_registry.yaml"


@cache
def schema(registry: str) -> dict[str, Any]:
    """The JSON Schema of a registry, as shipped in `nexus_ansible/registries/schemas/`."""
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{registry}_registry.schema.json").read_bytes())
    return loaded


def subschema_of(registry: str, evaluation_path: Sequence[str | int]) -> dict[str, Any]:
    """The subschema that holds the keyword at the end of an evaluation path, what it refers to included."""
    document, node = schema(registry), schema(registry)
    for part in evaluation_path[:-1]:
        if part == "$ref":
            document, node = _dereference(document, node)
        else:
            node = node[part]  # type: ignore[index] # a schema that is a list has whole numbers as keys
    return _dereference(document, node)[1] | node if "$ref" in node else node


def _dereference(document: dict[str, Any], node: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `$ref` of a subschema names, with the schema it stands in."""
    target, _, pointer = str(node["$ref"]).partition("#/")
    document = schema(target.partition("_")[0]) if target else document
    found = document
    for key in pointer.split("/"):
        found = found[key]
    return document, found


def default_of(path: KeyPath, exists: Callable[[KeyPath], bool]) -> tuple[object] | None:
    """The default that the schema gives for the value at a path of the registries, in a tuple, or None.

    `exists` tells whether the registries have a member of an open mapping, such as a service: one that is not there
    has no defaults either.
    """
    registry = next(name for name, root in ROOT_KEYS.items() if root == path[0])
    document, node = schema(registry), schema(registry)
    for depth, part in enumerate(path, start=1):
        found = _below(document, node, part, partial(exists, path[:depth]))
        if found is None:
            return None
        document, node = found
    while "$ref" in node and "default" not in node:
        document, node = _dereference(document, node)
    return (node["default"],) if "default" in node else None


def _below(
    document: dict[str, Any], node: dict[str, Any], part: str | int, is_there: Callable[[], bool]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The subschema that speaks of a member, with its document."""
    while "$ref" in node:
        document, node = _dereference(document, node)
    if isinstance(part, int):
        return (document, node["items"]) if isinstance(node.get("items"), dict) and is_there() else None
    if part in node.get("properties", {}):
        return document, node["properties"][part]
    if isinstance(node.get("additionalProperties"), dict) and is_there():
        return document, node["additionalProperties"]
    branches = (node[name] for name in ("then", "else") if isinstance(node.get(name), dict))
    return next((found for branch in branches if (found := _below(document, branch, part, is_there))), None)
