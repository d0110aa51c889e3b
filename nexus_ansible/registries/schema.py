# SPDX-License-Identifier: Apache-2.0
"""Check documents against the shipped JSON Schemas and say in plain words what does not fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

from nexus_ansible.registries.document import Document, KeyPath, dotted
from nexus_ansible.registries.load import describe
from nexus_ansible.registries.problems import Problem, unknown

REGISTRIES = ("automation", "pipeline", "orchestration", "monitoring", "security")
ROOT_KEYS = {
    "automation": "automation",
    "pipeline": "pipelines",
    "orchestration": "orchestration",
    "monitoring": "monitoring",
    "security": "security",
}

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def file_name(registry: str) -> str:
    """Name of a registry's file: `automation` -> `automation_registry.yaml`."""
    return f"{registry}_registry.yaml"


@cache
def schema(registry: str) -> dict[str, Any]:
    """The JSON Schema of a registry, as shipped in `nexus_ansible/registries/schemas/`."""
    text = files("nexus_ansible.registries").joinpath("schemas", f"{registry}_registry.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def check(registry: str, document: Document) -> list[Problem]:
    """Every place where a document does not fit its registry's schema."""
    return [
        problem for error in _validator(registry).iter_errors(document.data) for problem in _problems(registry, document, error)
    ]


@cache
def _validator(registry: str) -> Any:
    shared = schema("automation")
    registered = jsonschema_rs.Registry([(shared["$id"], shared)])
    return jsonschema_rs.Draft202012Validator(schema(registry), registry=registered, offline=True)


def _problems(registry: str, document: Document, error: Any) -> Iterator[Problem]:
    path: KeyPath = tuple(error.instance_path)
    kind = error.kind.name
    where = document.at(path)
    if kind == "additionalProperties":
        known = list(_owner(registry, error.evaluation_path).get("properties", {}))
        for name in error.kind.unexpected:
            yield Problem(document.at((*path, name), key=True), *unknown("key", name, known))
    elif kind == "required":
        what = f'"{error.kind.property}" is missing' + (f" in {dotted(path)}" if path else "")
        yield Problem(document.at(path, key=True), what)
    elif kind == "propertyNames":
        name = str(error.kind.error.instance)
        hint = _hint(_owner(registry, error.kind.error.evaluation_path)) or "a valid name"
        yield Problem(document.at((*path, name), key=True), f'"{name}" is not {hint}')
    elif kind == "enum":
        yield Problem(where, *unknown("value", str(error.instance), map(str, error.kind.options)))
    elif kind == "falseSchema":
        yield Problem(document.at(path, key=True), f"{dotted(path)} cannot be given here")
    else:
        hint = _hint(_owner(registry, error.evaluation_path))
        say = _WORDS.get(kind, lambda error: str(error.message))
        yield Problem(where, f"{describe(error.instance)} is not {hint}" if hint and kind in _HINTED else say(error))


def _words_for_type(error: Any) -> str:
    wanted = " or ".join(_TYPES[str(name)] for name in error.kind.types)
    return f"expected {wanted}, found {describe(error.instance)}"


_HINTED = {"pattern", "anyOf"}
_WORDS: dict[str, Callable[[Any], str]] = {
    "type": _words_for_type,
    "minimum": lambda error: f"{describe(error.instance)} is too small; the least is {error.kind.limit}",
    "maximum": lambda error: f"{describe(error.instance)} is too large; the most is {error.kind.limit}",
    "minItems": lambda _: "the list is empty",
    "minLength": lambda _: "the text is empty",
    "minProperties": lambda _: "the mapping is empty",
    "uniqueItems": lambda _: "a value stands twice in the list",
    "constant": lambda error: f"only {json.dumps(error.kind.expected_value)} is allowed, found {describe(error.instance)}",
}


def _hint(subschema: dict[str, Any]) -> str:
    return str(subschema.get("x-hint", ""))


def _owner(registry: str, evaluation_path: list[str | int]) -> dict[str, Any]:
    """The subschema that holds the keyword at the end of an evaluation path."""
    return _follow(registry, evaluation_path[:-1])


def _follow(registry: str, evaluation_path: list[str | int]) -> dict[str, Any]:
    document, node = schema(registry), schema(registry)
    for part in evaluation_path:
        if part == "$ref":
            document, node = _dereference(document, node)
        else:
            node = node[part] if isinstance(node, dict) else node[int(part)]
    if isinstance(node, dict) and "$ref" in node:
        return _dereference(document, node)[1] | node
    return node if isinstance(node, dict) else {}


def _dereference(document: dict[str, Any], node: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
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
        found = _below(document, node, part, lambda depth=depth: exists(path[:depth]))
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
