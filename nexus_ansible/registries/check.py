# SPDX-License-Identifier: Apache-2.0
"""Check documents against the shipped JSON Schemas and say in plain words what does not fit."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind as Kind

from nexus_ansible.registries.document import dotted
from nexus_ansible.registries.problems import Problem, describe, quote, unknown
from nexus_ansible.registries.schema import schema, subschema_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nexus_ansible.registries.document import Document, KeyPath

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def check(registry: str, document: Document) -> list[Problem]:
    """Every place where a document does not fit its registry's schema."""
    errors = _validator(registry).iter_errors(document.data)
    return [problem for error in errors for problem in _problems(registry, document, error)]


@cache
def _validator(registry: str) -> jsonschema_rs.Draft202012Validator:
    shared = schema("automation")
    registered = jsonschema_rs.Registry([(shared["$id"], shared)])
    return jsonschema_rs.Draft202012Validator(schema(registry), registry=registered, offline=True)


def _problems(registry: str, document: Document, error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    path: KeyPath = tuple(error.instance_path)
    match error.kind:
        case Kind.AdditionalProperties(unexpected=names):
            known = subschema_of(registry, error.evaluation_path).get("properties", {})
            for name in names:
                yield Problem(document.at((*path, name), key=True), *unknown("key", name, known))
        case Kind.PropertyNames(error=inner):
            name = str(inner.instance)
            hint = subschema_of(registry, inner.evaluation_path).get("x-hint", "a valid name")
            yield Problem(document.at((*path, name), key=True), f"{quote(name)} is not {hint}")
        case Kind.Required(property=name):
            what = f"{quote(name)} is missing" + (f" in {dotted(path)}" if path else "")
            yield Problem(document.at(path, key=True), what)
        case Kind.FalseSchema():
            yield Problem(document.at(path, key=True), f"{dotted(path)} cannot be given here")
        case Kind.UniqueItems() if isinstance(error.instance, list):
            index = _repeated(error.instance)
            yield Problem(document.at((*path, index)), f"{describe(error.instance[index])} stands twice in the list")
        case Kind.Enum(options=options) if isinstance(error.instance, str):
            yield Problem(document.at(path), *unknown("value", error.instance, map(str, options)))
        case _:
            yield Problem(document.at(path), _words(registry, error))


def _repeated(items: Sequence[object]) -> int:
    """Index of the first item that stands further up already; JSON has 1 == 1.0, but not 1 == true."""
    texts = [json.dumps(item, sort_keys=True) for item in items]
    return next((index for index, text in enumerate(texts) if text in texts[:index]), len(items) - 1)


def _words(registry: str, error: jsonschema_rs.ValidationError) -> str:
    found = describe(error.instance)
    match error.kind:
        case Kind.Pattern() | Kind.AnyOf():
            rule = subschema_of(registry, error.evaluation_path)
            return f"{quote('***') if rule.get('x-secret') else found} is not {rule['x-hint']}"
        case Kind.Type(types=types):
            names = [_TYPES[name] for name in types if name != "integer" or "number" not in types]
            return f"expected {' or '.join(names)}, found {found}"
        case Kind.Enum(options=options):
            return f"expected one of {', '.join(map(str, options))}, found {found}"
        case Kind.Constant(expected_value=value):
            return f"only {json.dumps(value)} is allowed, found {found}"
        case Kind.Minimum(limit=limit):
            return f"{found} is too small; the least is {limit}"
        case Kind.Maximum(limit=limit):
            return f"{found} is too large; the most is {limit}"
        case Kind.MinItems() | Kind.MinLength() | Kind.MinProperties():
            return f"{_TYPES[_json_type(error.instance)]} must not be empty"
        case _:
            return error.message


def _json_type(value: object) -> str:
    return "object" if isinstance(value, dict) else "array" if isinstance(value, list) else "string"
