# SPDX-License-Identifier: Apache-2.0
"""Writes the reference pages that follow from code. With `--check` it only ends with 1 when one is stale."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml

from nexus_ansible.cli.main import cli
from nexus_ansible.registries.schema import REGISTRIES, file_name, schema

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
COLLECTION = ROOT / "ansible_collections" / "nexus" / "automation"
MARKUP = (
    (re.compile(r"\b[CIBV]\(([^)]*)\)"), r"`\1`"),
    (re.compile(r"\bO\(([^)]*)\)"), r"`\1`"),
    (re.compile(r"\b[MP]\(([^)#]*)[^)]*\)"), r"`\1`"),
)


def pages() -> dict[str, str]:
    """Text of every generated page by its name in docs/reference/."""
    return {"registries.md": registries(), "cli.md": commands(), "modules.md": modules(), "roles.md": roles()}


def registries() -> str:
    """Every key of the five registries."""
    lines = [
        "# Registries",
        "",
        "Every key of the five files in `config/ssot/`. What is not marked as required has a default.",
        "",
    ]
    for registry in REGISTRIES:
        document = schema(registry)
        lines += [
            f"## {file_name(registry)}",
            "",
            document["description"],
            "",
            "| key | type | default | meaning |",
            "|---|---|---|---|",
        ]
        lines += [_row(*row) for row in _keys(document, document, "", required=False)]
        lines.append("")
    return "\n".join(lines)


def _row(path: str, node: Mapping[str, Any], required: bool) -> str:
    default = "required" if required else f"`{json.dumps(node['default'])}`" if "default" in node else ""
    text = node.get("description", "").replace("|", "\\|")
    choices = [str(value) for value in node.get("enum", ())]
    if choices:
        text += " One of " + ", ".join(f"`{choice}`" for choice in choices) + "."
    return f"| `{path}` | {_type(node)} | {default} | {text} |"


def _type(node: Mapping[str, Any]) -> str:
    if "enum" in node or "const" in node:
        return "choice"
    if "anyOf" in node:
        return "number or duration"
    kind = node.get("type", "any")
    names = {"object": "mapping", "array": "list", "string": "text", "integer": "number", "boolean": "true/false"}
    return " or ".join(names.get(one, one) for one in ([kind] if isinstance(kind, str) else kind))


def _keys(
    document: Mapping[str, Any], node: Mapping[str, Any], path: str, *, required: bool
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    document, node = _resolved(document, node)
    if path and "description" in node:
        yield path, node, required
    for name, below in node.get("properties", {}).items():
        if below is not False:
            yield from _keys(
                document, below, f"{path}.{name}" if path else name, required=name in node.get("required", ())
            )
    more = node.get("additionalProperties")
    if isinstance(more, dict) and (
        more.get("properties") or "$ref" in more or "additionalProperties" in more or "if" in more
    ):
        yield from _keys(document, more, f"{path}.NAME", required=False)
    if isinstance(node.get("items"), dict):
        yield from _keys(document, node["items"], f"{path}[]", required=False)
    for branch in ("then", "else"):
        if isinstance(node.get(branch), dict):
            variant = _resolved(document, node[branch])
            merged = {key: value for key, value in variant[1].items() if key != "description"}
            for inner in _keys(variant[0], merged, path, required=False):
                if inner[0] != path:
                    yield inner


def _resolved(document: Mapping[str, Any], node: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    while "$ref" in node:
        target, _, pointer = str(node["$ref"]).partition("#/")
        document = schema(target.partition("_")[0]) if target else document
        found: Any = document
        for key in pointer.split("/"):
            found = found[key]
        node = {**found, **{key: value for key, value in node.items() if key != "$ref"}}
    return document, node


def commands() -> str:
    """Every command and option."""
    lines = ["# Commands", "", f"{cli.help} Exit codes: [exit-codes.md](exit-codes.md).", ""]
    for name, command in _commands(cli, "nexus-ansible"):
        context = click.Context(command, info_name=name)
        usage = " ".join(command.collect_usage_pieces(context))
        lines += [f"## {name}", "", f"    {name} {usage}", "", _paragraphs(command.help or ""), ""]
        options = [option for option in command.params if isinstance(option, click.Option)]
        if options:
            lines += ["| option | meaning |", "|---|---|"]
            lines += [
                f"| `{_option(option)}` | {(option.help or '').replace('|', chr(92) + '|')} |" for option in options
            ]
            lines.append("")
        if command.epilog:
            lines += [f"{command.epilog.partition(': ')[0]}:", "", f"    {command.epilog.partition(': ')[2]}", ""]
    return "\n".join(lines)


def _commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def _option(option: click.Option) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag or option.count else f"{names} {option.metavar or option.type.name.upper()}"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def modules() -> str:
    """Every module, connection, lookup and callback of the collection, from its DOCUMENTATION."""
    lines = [
        "# Modules and plugins",
        "",
        "The collection `nexus.automation`. `ansible-doc nexus.automation.NAME` shows the same, with examples.",
        "",
    ]
    for kind in ("modules", "connection", "lookup", "callback"):
        for path in sorted((COLLECTION / "plugins" / kind).glob("*.py")):
            found = re.search(r'^DOCUMENTATION = r?"""(.*?)"""', path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
            if found:
                documentation = yaml.safe_load(found[1])
                lines += _plugin(_with_fragments(documentation) if kind == "connection" else documentation, kind)
    return "\n".join(lines)


def _with_fragments(documentation: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with the options that it shares with others."""
    options = dict(documentation.get("options") or {})
    for name in _texts(documentation.get("extends_documentation_fragment") or []):
        if name.startswith("nexus.automation."):
            path = COLLECTION / "plugins" / "doc_fragments" / f"{name.rpartition('.')[2]}.py"
            found = re.search(r'DOCUMENTATION = r?"""(.*?)"""', path.read_text("utf-8"), re.DOTALL)
            assert found is not None, path
            options |= yaml.safe_load(found[1]).get("options") or {}
    return {**documentation, "options": options}


def _plugin(documentation: Mapping[str, Any], kind: str) -> list[str]:
    name = documentation.get("module") or documentation["name"]
    title = f"## {name}" + ("" if kind == "modules" else f" ({kind})")
    lines = [title, "", f"{_plain(documentation['short_description'])}.", ""]
    lines += [_plain(" ".join(_texts(documentation["description"]))), ""]
    if documentation.get("options"):
        lines += [
            "| option | type | default | meaning |",
            "|---|---|---|---|",
            *_options(documentation["options"], ""),
            "",
        ]
    return lines


def roles() -> str:
    """Every role and entry point, from its argument specs."""
    lines = [
        "# Roles",
        "",
        "A step of a workflow is an entry point of a role. Variables are those of the role's argument specs.",
        "",
    ]
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        specs = yaml.safe_load(path.read_text("utf-8"))["argument_specs"]
        lines += [f"## nexus.automation.{path.parts[-3]}", ""]
        for name, spec in specs.items():
            lines += [
                f"### {name}",
                "",
                _plain(" ".join(_texts(spec.get("description") or spec["short_description"]))),
                "",
            ]
            if spec.get("options"):
                lines += [
                    "| variable | type | default | meaning |",
                    "|---|---|---|---|",
                    *_options(spec["options"], ""),
                    "",
                ]
    return "\n".join(lines)


def _options(options: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, option in options.items():
        default = (
            "required"
            if option.get("required")
            else f"`{json.dumps(option['default'])}`"
            if "default" in option
            else ""
        )
        kind = option.get("type", "str") + (f" of {option['elements']}" if option.get("elements") else "")
        text = _plain(" ".join(_texts(option.get("description", "")))).replace("|", "\\|")
        if variables := [f"`{entry['name']}`" for entry in option.get("vars") or []]:
            text += f" Variable {', '.join(variables)}."
        if option.get("choices"):
            text += " One of " + ", ".join(f"`{choice}`" for choice in option["choices"]) + "."
        yield f"| `{prefix}{name}` | {kind} | {default} | {text} |"
        for key in ("suboptions", "options"):
            yield from _options(option.get(key) or {}, f"{prefix}{name}.")


def _texts(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else [str(part) for part in value]


def _plain(text: str) -> str:
    for pattern, replacement in MARKUP:
        text = pattern.sub(replacement, text)
    return " ".join(text.split())


def main(arguments: list[str]) -> int:
    """Write the pages, or only tell which are stale."""
    stale = []
    for name, text in pages().items():
        path = REFERENCE / name
        whole = f"<!-- Generated by `make docs`. Do not edit. -->\n\n{text.rstrip()}\n"
        if path.exists() and path.read_text("utf-8") == whole:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(whole, encoding="utf-8")
    for name in stale:
        click.echo(f"docs/reference/{name}: {'stale; run `make docs`' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
