# SPDX-License-Identifier: Apache-2.0
"""Every module's documentation says what its argument spec says, and ansible-doc renders it."""

from __future__ import annotations

import ast
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
COLLECTION = "ansible_collections.nexus.automation"
PLUGINS = REPOSITORY / COLLECTION.replace(".", "/") / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
ON_TARGETS = sorted(path for folder in ("modules", "module_utils") for path in (PLUGINS / folder).rglob("*.py"))
COMPARED = ("type", "required", "default", "choices", "elements", "aliases")


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ansible-doc makes of all modules, fragments included."""
    command = [str(Path(sys.executable).with_name("ansible-doc")), "-t", "module", "--json"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY)}
    environment["ANSIBLE_HOME"] = str(tmp_path_factory.mktemp("ansible"))
    names = [f"nexus.automation.{name}" for name in MODULES]
    done = subprocess.run([*command, *names], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {name.rpartition(".")[2]: documentation for name, documentation in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", MODULES)
def test_options_agree_with_the_argument_spec(name: str, rendered: dict[str, Any]) -> None:
    kind = "action" if (PLUGINS / "action" / f"{name}.py").exists() else "modules"
    spec = importlib.import_module(f"{COLLECTION}.plugins.{kind}.{name}").ARGUMENT_SPEC
    assert _documented(rendered[name]["doc"]["options"]) == _specified(spec)


@pytest.mark.parametrize("name", MODULES)
def test_ansible_doc_renders_every_block(name: str, rendered: dict[str, Any]) -> None:
    blocks = rendered[name]
    assert blocks["doc"]["short_description"]
    assert blocks["return"], f"{name} documents no return value"
    assert f"nexus.automation.{name}:" in blocks["examples"]


@pytest.mark.parametrize("name", MODULES)
def test_every_paragraph_is_text(name: str, rendered: dict[str, Any]) -> None:
    """A colon makes a mapping of a sentence, which YAML accepts and ansible-doc prints as one."""
    assert not list(_paragraphs_that_are_no_text(rendered[name]))


@pytest.mark.parametrize("name", MODULES)
def test_attributes_say_what_check_mode_does(name: str, rendered: dict[str, Any]) -> None:
    attributes = rendered[name]["doc"]["attributes"]
    assert {"check_mode", "diff_mode", "idempotent"} <= attributes.keys()
    assert attributes["check_mode"]["support"] == "full"


@pytest.mark.parametrize("name", MODULES)
def test_examples_use_only_documented_options(name: str, rendered: dict[str, Any]) -> None:
    options = rendered[name]["doc"]["options"]
    tasks = [task for task in yaml.safe_load(rendered[name]["examples"]) if f"nexus.automation.{name}" in task]
    assert tasks
    for task in tasks:
        _assert_known(task[f"nexus.automation.{name}"], options)


@pytest.mark.parametrize("path", ON_TARGETS, ids=lambda path: str(path.relative_to(PLUGINS)))
def test_what_runs_on_targets_uses_only_the_grammar_of_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def _paragraphs_that_are_no_text(node: object) -> Iterator[object]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"description", "requirements"} and not isinstance(value, dict):
                yield from (
                    text for text in ([value] if isinstance(value, str) else value) if not isinstance(text, str)
                )
            yield from _paragraphs_that_are_no_text(value)


def _documented(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _compared(option) | {"options": _documented(option.get("suboptions") or {})}
        for name, option in options.items()
    }


def _specified(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _compared(option) | {"options": _specified(option.get("options") or {})} for name, option in spec.items()
    }


def _compared(option: dict[str, Any]) -> dict[str, Any]:
    compared = {key: option.get(key) for key in COMPARED}
    compared["type"] = option.get("type", "str")
    compared["required"] = bool(option.get("required"))
    compared["choices"] = sorted(option.get("choices") or [])
    return compared


def _assert_known(arguments: Any, options: dict[str, Any]) -> None:
    for name, value in arguments.items():
        assert name in options
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and options[name].get("suboptions"):
                _assert_known(item, options[name]["suboptions"])
