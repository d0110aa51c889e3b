# SPDX-License-Identifier: Apache-2.0
"""The documentation is complete, current, and what it prints exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from docs.generate import pages
from nexus_ansible.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
NOT_OURS = {"python3", "venv/bin/pip", "cd", "make", "ansible-playbook", "venv/bin/nexus-ansible"}


def printed_commands() -> Iterator[tuple[str, str]]:
    """(page, command) of every console block."""
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield page.relative_to(ROOT).as_posix(), line[2:]


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def test_generated_pages_are_current() -> None:
    for name, text in pages().items():
        page = (ROOT / "docs" / "reference" / name).read_text("utf-8")
        assert page.endswith(f"{text.rstrip()}\n"), f"{name} is stale: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text("utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_how_to_guide_is_listed() -> None:
    listed = (ROOT / "docs" / "how-to" / "README.md").read_text("utf-8")
    guides = [path.name for path in (ROOT / "docs" / "how-to").glob("*.md") if path.name != "README.md"]
    assert [name for name in guides if f"]({name})" not in listed] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 120


def test_only_known_programs_are_printed() -> None:
    programs = {shlex.split(command)[0] for _, command in printed_commands()}
    assert programs - NOT_OURS == {"nexus-ansible"}


@pytest.mark.parametrize(
    ("page", "command"), sorted({printed for printed in printed_commands() if printed[1].startswith("nexus-ansible")})
)
def test_a_printed_command_exists_with_its_options(page: str, command: str) -> None:
    words = shlex.split(command.partition(" > ")[0])
    found: click.Command = cli
    rest = words[1:]
    while isinstance(found, click.Group):
        below = found.get_command(click.Context(found), rest[0])
        assert below is not None, f"{page} prints {command}"
        found, rest = below, rest[1:]
    known = {name for option in found.params for name in [*option.opts, *option.secondary_opts]}
    assert [word for word in rest if word.startswith("--") and word not in known] == []


@pytest.mark.parametrize(
    ("name", "command"), list(commands(cli)), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_has_help_with_an_example(name: str, command: click.Command) -> None:
    assert command.help
    assert command.epilog
    assert command.epilog.startswith("Example: ")
    assert f"nexus-ansible {name.split()[0]}" in command.epilog


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "reference" / "exit-codes.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| ([0-9]+) \|", text, re.MULTILINE)}
    errors = (ROOT / "nexus_ansible" / "errors.py").read_text("utf-8")
    used = {int(code) for code in re.findall(r"^    exit_code = ([0-9]+)$", errors, re.MULTILINE)}
    assert used <= documented
    assert {0, 2, 3, 130} <= documented
