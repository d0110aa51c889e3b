# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to a registry, it is either valid or its problems are told: once, and inside the file."""

from __future__ import annotations

import re
import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.project import SSOT, Project
from nexus_ansible.registries.problems import InvalidRegistriesError
from nexus_ansible.registries.schema import REGISTRIES, file_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DataObject, SearchStrategy

REPOSITORY = Path(__file__).resolve().parents[3]
JUNK = (
    "\t", "\x00", "\x07", "\x85", "\ufeff", "\u2028", "é", "🦉", ": ", "- ", "- - - ", "{", "}", "[[", "]", '"', "'",
    "|", ">", "&a ", "*a", "&a {<<: *a}", "<<: ", "!!int ", "!own ", "? ", "# ", "%YAML 3.0\n", "---\n", "...\n", "${",
    "${x}", "{{", "yes", "0o7", "1:30", "5M", ".nan", "-1", "1e999", "9" * 400, "null", "~",
)  # fmt: skip
VALUES = (
    None, True, 0, -1, 10**9, 1.5, "", "x", "5M", "0 0 30 2 *", "${bad}", "{{ x }}", "\n", [], {}, [[]], [None], [{}],
    {"a": None}, {"name": "x"}, ["manual", "manual"], "frontend", "65535", 65535, "0s",
)  # fmt: skip
MUTATIONS = settings(
    max_examples=520, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The registries of this repository, in a project of their own."""
    root = tmp_path_factory.mktemp("mutations")
    shutil.copytree(REPOSITORY / SSOT, root / SSOT)
    return Project(root)


@cache
def _original(registry: str) -> str:
    return (REPOSITORY / SSOT / file_name(registry)).read_text("utf-8")


def _outcome(project: Project, registry: str, content: bytes) -> None:
    """Check and compile the project with one registry replaced, and judge what is told."""
    path = project.ssot / file_name(registry)
    path.write_bytes(content)
    try:
        checked = check_project(project)
        assert compile_project(checked).files
    except InvalidRegistriesError as error:
        told = [str(problem) for problem in error.problems]
        assert told
        assert len(told) == len(set(told))
        for problem in error.problems:
            _assert_inside(project, problem.position)
            assert re.match(r"config/ssot/[a-z]+_registry\.yaml:\d+:\d+: .", str(problem))
    finally:
        path.write_text(_original(registry), encoding="utf-8")
    assert {item.name for item in project.root.iterdir()} == {"config"}


def _assert_inside(project: Project, position: Any) -> None:
    lines = (project.root / position.file).read_bytes().decode("utf-8", errors="replace")
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", lines)
    assert 1 <= position.line <= len(lines)
    assert 1 <= position.column <= len(lines[position.line - 1]) + 2


@given(registry=st.sampled_from(REGISTRIES), data=st.data())
@MUTATIONS
def test_text_with_junk_inserted_is_valid_or_told(project: Project, registry: str, data: DataObject) -> None:
    text = _original(registry)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + data.draw(st.sampled_from(JUNK) | st.text(max_size=5)) + text[place:]

    _outcome(project, registry, text.encode("utf-8", errors="surrogatepass"))


@given(registry=st.sampled_from(REGISTRIES), data=st.data())
@MUTATIONS
def test_bytes_changed_cut_off_or_swapped_are_valid_or_told(project: Project, registry: str, data: DataObject) -> None:
    content = _original(registry).encode()
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    changes: tuple[bytes, ...] = (
        content[:first],
        content[first:],
        content[:first] + content[second:],
        content[:first] + content[first:second] * 2 + content[second:],
        content[second:] + content[first:second] + content[:first],
        content[:first] + data.draw(st.binary(max_size=4)) + content[first + 1 :],
    )

    _outcome(project, registry, data.draw(st.sampled_from(changes)))


@given(registry=st.sampled_from(REGISTRIES), data=st.data())
@MUTATIONS
def test_lines_moved_indented_or_repeated_are_valid_or_told(project: Project, registry: str, data: DataObject) -> None:
    lines = _original(registry).splitlines(keepends=True)
    place, other = data.draw(st.tuples(*[st.integers(0, len(lines) - 1)] * 2))
    change = data.draw(st.sampled_from(("swap", "indent", "dedent", "repeat", "drop", "alias")))
    line = lines[place]
    if change == "swap":
        lines[place], lines[other] = lines[other], lines[place]
    elif change == "alias":
        lines[place] = line.replace(": ", ": &x ", 1)
        lines[other] = lines[other].replace(": ", ": *x #", 1)
    else:
        new = {"indent": f" {line}", "dedent": line.removeprefix("  "), "repeat": line * 2, "drop": ""}
        lines[place] = new[change]

    _outcome(project, registry, "".join(lines).encode())


@given(registry=st.sampled_from(REGISTRIES), data=st.data())
@MUTATIONS
def test_keys_and_values_deleted_renamed_or_replaced_are_valid_or_told(
    project: Project, registry: str, data: DataObject
) -> None:
    tree = yaml.safe_load(_original(registry))
    for _ in range(data.draw(st.integers(1, 3))):
        containers = list(_containers(tree))
        if containers:
            _mutate(data.draw(st.sampled_from(containers)), data.draw)

    _outcome(project, registry, yaml.safe_dump(tree, sort_keys=False, allow_unicode=True).encode())


def _containers(node: object) -> list[Any]:
    if not isinstance(node, dict | list) or not node:
        return []
    members = node.values() if isinstance(node, dict) else node
    return [node, *(found for member in members for found in _containers(member))]


def _mutate(node: Any, draw: Callable[[SearchStrategy[Any]], Any]) -> None:
    places = list(node) if isinstance(node, dict) else list(range(len(node)))
    place = draw(st.sampled_from(places))
    change = draw(st.sampled_from(("delete", "rename", "replace", "copy")))
    if change == "delete":
        del node[place]
    elif change == "replace":
        node[place] = deepcopy(draw(st.sampled_from(VALUES)))
    elif change == "copy":
        node[place] = deepcopy(node[draw(st.sampled_from(places))])
    elif isinstance(node, dict):
        node[draw(st.text(max_size=3) | st.just(f"{place}s"))] = node.pop(place)
