# SPDX-License-Identifier: Apache-2.0
"""Every key that the schemas of the registries know, at every depth, with what they say about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nexus_ansible.registries.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterator


def keys(registry: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(dotted path, subschema with what it refers to) of every key; `*` is any name, `[]` any item of a list."""
    root = schema(registry)
    yield from _keys(root, root, "")


def _keys(root: dict[str, Any], node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    root, node = _resolved(root, node)
    for name, below in node.get("properties", {}).items():
        if below is not False:
            where = f"{path}.{name}" if path else name
            yield where, _resolved(root, below)[1]
            yield from _keys(root, below, where)
    for keyword, suffix in (("additionalProperties", ".*"), ("items", "[]")):
        if isinstance(node.get(keyword), dict):
            yield from _keys(root, node[keyword], f"{path}{suffix}")
    for keyword in ("then", "else"):
        if keyword in node:
            yield from _keys(root, node[keyword], path)


def _resolved(root: dict[str, Any], node: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if "$ref" not in node:
        return root, node
    file, _, pointer = node["$ref"].partition("#/")
    target = schema(file.partition("_")[0]) if file else root
    found = target
    for part in pointer.split("/"):
        found = found[part]
    owner, resolved = _resolved(target, found)
    return owner, {**resolved, **{key: value for key, value in node.items() if key != "$ref"}}
