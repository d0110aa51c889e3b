# SPDX-License-Identifier: Apache-2.0
"""What is no registry, or no YAML, or not what it seems in YAML, is told once with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_ansible.registries.registry_set import read_registries
from tests.projects.registry_text import problems, read_cases, write_registries

CASES = Path(__file__).with_name("cases")
MISSING = "the file is missing\n  `nexus-ansible init DIR` writes an example of it."


def _alias(number: int) -> str:
    return f"*a{number - 1}" if number else "x"


@pytest.mark.parametrize(("texts", "told"), read_cases(CASES / "yaml.txt"))
def test_yaml_that_does_not_mean_what_it_says_is_told_where_it_stands(
    tmp_path: Path, texts: dict[str, str], told: str
) -> None:
    assert "\n".join(problems(write_registries(tmp_path, **texts))) == told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "1:1: the file is empty", id="nothing"),
        pytest.param(b"\xef\xbb\xbf\n", "1:1: the file is empty", id="a byte order mark alone"),
        pytest.param(b"# nothing\n", "1:1: the file is empty", id="comments alone"),
        pytest.param(b"---\n", "1:1: expected a mapping, found nothing", id="null"),
        pytest.param(b"- a\n", "1:1: expected a mapping, found a list", id="a list"),
        pytest.param(b"hello\n", '1:1: expected a mapping, found "hello"', id="a sentence"),
        pytest.param(
            bytes(range(256)), "3:115: byte 0x80 is not UTF-8 text\n  Save the file as UTF-8.", id="binary data"
        ),
        pytest.param(
            b"automation: {project: caf\xe9}",
            "1:26: byte 0xE9 is not UTF-8 text\n  Save the file as UTF-8.",
            id="another encoding",
        ),
        pytest.param(
            'automation:\n  project: "é\x07"\n'.encode(),
            "2:14: character U+0007 is not allowed in YAML\n  Remove it.",
            id="a control character after one of two bytes",
        ),
        pytest.param(
            b"x" * 10_000_000,
            "1:1: the file has 10,000,000 bytes; a registry may have 8,000,000\n  Check what was written to it.",
            id="ten megabytes",
        ),
    ],
)
def test_a_file_that_cannot_be_a_registry_is_told_with_its_reason(tmp_path: Path, content: bytes, told: str) -> None:
    project = write_registries(tmp_path, automation=content)

    assert problems(project) == [f"config/ssot/automation_registry.yaml:{told}"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "security: " + "[" * 100_000,
            "1:69: the file has more than 60 levels of nesting\n  Close what is open.",
            id="100,000 open brackets",
        ),
        pytest.param(
            "\n".join(" " * level + "a:" for level in range(3_000)),
            "60:60: the file has more than 60 levels of nesting\n  Close what is open.",
            id="3,000 levels of indentation",
        ),
        pytest.param(
            "security:\n" + "\n".join(f"  a{n}: &a{n} [{', '.join([_alias(n)] * 10)}]" for n in range(9)),
            "4:7: aliases make the file more than 10 times as large\n  Write it out.",
            id="aliases that stand for a thousand million values",
        ),
        pytest.param(
            "security:\n" + "\n".join(f"  a{n}: &a{n} [{_alias(n)}]" for n in range(90)),
            "60:8: aliases make more than 60 levels of nesting\n  Write it out.",
            id="aliases of aliases, 90 levels of them",
        ),
    ],
)
def test_nesting_without_end_is_refused_before_it_hurts(tmp_path: Path, text: str, told: str) -> None:
    project = write_registries(tmp_path, security=text)

    assert problems(project) == [f"config/ssot/security_registry.yaml:{told}"]


def test_a_missing_file_is_told_with_what_writes_one(tmp_path: Path) -> None:
    project = write_registries(tmp_path)
    (project.ssot / "security_registry.yaml").unlink()

    assert problems(project) == [f"config/ssot/security_registry.yaml:1:1: {MISSING}"]


def test_a_directory_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    project = write_registries(tmp_path)
    (project.ssot / "security_registry.yaml").unlink()
    (project.ssot / "security_registry.yaml").mkdir()

    assert problems(project) == [
        "config/ssot/security_registry.yaml:1:1: the file cannot be read: Is a directory",
    ]


def test_a_link_to_nowhere_is_a_missing_file(tmp_path: Path) -> None:
    project = write_registries(tmp_path)
    (project.ssot / "security_registry.yaml").unlink()
    (project.ssot / "security_registry.yaml").symlink_to("nowhere")

    assert problems(project) == [f"config/ssot/security_registry.yaml:1:1: {MISSING}"]


def test_dates_and_quoted_words_are_text(tmp_path: Path) -> None:
    project = write_registries(
        tmp_path,
        automation="""
        automation:
          workflows:
            deployment:
              lab: {steps: [validate], description: 2025-01-27}
              "off": {steps: [validate], description: "yes"}
              on: {steps: [validate], description: '017'}
        """,
    )

    variants = read_registries(project.ssot).get(("automation", "workflows", "deployment"))
    assert {name: data["description"] for name, data in variants.items()} == {
        "lab": "2025-01-27",
        "off": "yes",
        "on": "017",
    }


def test_merge_keys_merge_and_keep_the_order_and_the_places_of_what_they_merge(tmp_path: Path) -> None:
    project = write_registries(
        tmp_path,
        orchestration="""
        orchestration:
          services:
            one: &one
              description: first
              port: 8000
              source: here
            two: &two {port: 9000, stop_timeout: 5s}
            three:
              <<: [*one, *two]
              description: third
        """,
    )

    registries = read_registries(project.ssot, shown="ssot")
    service = ("orchestration", "services", "three")
    assert list(registries.get(service).items()) == [
        ("description", "third"),
        ("port", 8000),
        ("source", "here"),
        ("stop_timeout", "5s"),
    ]
    assert str(registries.at((*service, "port"))) == "ssot/orchestration_registry.yaml:5:13"
    assert str(registries.at((*service, "stop_timeout"))) == "ssot/orchestration_registry.yaml:7:42"
