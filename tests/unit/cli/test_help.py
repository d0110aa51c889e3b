# SPDX-License-Identifier: Apache-2.0
"""Every command explains itself, with an example."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from nexus_ansible.cli.lazy import LazyCommands
from nexus_ansible.cli.main import COMMANDS, cli
from tests.unit.cli.command_line import run

if TYPE_CHECKING:
    from collections.abc import Iterator


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        yield (*path, name)
        command = group.get_command(context, name)
        if isinstance(command, LazyCommands):
            yield from _commands(command, (*path, name))


@pytest.mark.parametrize("path", list(_commands(cli)), ids=" ".join)
def test_the_help_of_every_command_says_what_it_does_and_shows_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"], prog_name="nexus-ansible")

    assert shown.exit_code == 0
    first = shown.output.splitlines()[2].strip()
    assert first[0].isupper()
    flat = " ".join(shown.output.split())
    assert "Example: " in flat
    assert "nexus-ansible " in flat.partition("Example: ")[2]


def test_help_lists_every_command_and_exit_code(tmp_path: Path) -> None:
    ended = run(tmp_path, "--help")

    assert ended.returncode == 0
    for name, summary in COMMANDS.items():
        assert any(line.split() == [name, *summary.split()] for line in ended.stdout.splitlines())
    flat = " ".join(ended.stdout.split())
    assert (
        "Exit codes: 0 done, 1 output not written, 2 usage, 3 unexpected, 4 invalid registry, 5 drift, 6 failed run, "
        "7 refused, 8 timeout, 9 ledger integrity, 10 ledger completeness, 130 interrupted." in flat
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, nexus_ansible.cli.main as m\n"
        "try: m.cli.main(['--help'], standalone_mode=False)\n"
        "finally: print([n for n in ('yaml', 'jinja2', 'jsonschema_rs', 'ansible', 'rich', 'cryptography') "
        "if n in sys.modules])"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert ended.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_told_with_the_closest(tmp_path: Path) -> None:
    ended = run(tmp_path, "aply", "production")

    assert ended.returncode == 2
    assert 'no command "aply". Did you mean "apply"?' in ended.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed_for_every_shell(tmp_path: Path, shell: str) -> None:
    ended = run(tmp_path, "completion", shell)

    assert ended.returncode == 0
    assert "_NEXUS_ANSIBLE_COMPLETE" in ended.stdout


def test_each_command_is_one_file_of_its_name() -> None:
    package = Path(importlib.import_module("nexus_ansible.cli").__file__ or "").parent

    assert [
        name for name in COMMANDS if not any((package / name).with_suffix(suffix).exists() for suffix in (".py", ""))
    ] == []
