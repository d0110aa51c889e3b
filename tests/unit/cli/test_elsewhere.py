# SPDX-License-Identifier: Apache-2.0
"""What of a command line goes to a control node elsewhere."""

from __future__ import annotations

import importlib

import click
import pytest

from nexus_ansible.cli.elsewhere import MovableCommand, words
from tests.projects import make_project

MOVABLE = ("apply", "audit.log", "audit.show", "audit.verify", "down", "plan", "resume", "run", "status")


def words_of(name: str, *arguments: str) -> list[str]:
    command = importlib.import_module(f"nexus_ansible.cli.{name}").command
    assert isinstance(command, MovableCommand)
    parent: click.Context | None = click.Context(click.Group("cli"), info_name="nexus-ansible")
    *groups, own = name.split(".")
    for group in groups:
        parent = click.Context(click.Group(group), info_name=group, parent=parent)
    return words(command.make_context(own, list(arguments), parent=parent))


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_project(tmp_path, {"first": []}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("apply", ["lab", "--on", "kubernetes-job"], ["apply", "--", "lab"]),
        ("apply", ["lab", "--on=kubernetes-job", "--project", "."], ["apply", "--", "lab"]),
        ("apply", ["lab", "--step", "a", "--step", "b"], ["apply", "--step=a", "--step=b", "--", "lab"]),
        ("apply", ["lab", "-vv", "--yes"], ["apply", "--yes", "--verbose", "--verbose", "--", "lab"]),
        ("apply", ["lab", "--reason", "it's $5 --yes"], ["apply", "--reason=it's $5 --yes", "--", "lab"]),
        ("audit.log", ["--runs", "--json"], ["audit", "log", "--runs", "--json"]),
        ("audit.log", ["--tasks"], ["audit", "log", "--tasks"]),
        ("down", ["lab", "--remove-data"], ["down", "--remove-data", "--", "lab"]),
        ("status", [], ["status"]),
    ],
)
def test_a_command_says_there_what_was_said_here(name: str, given: list[str], told: list[str]) -> None:
    assert words_of(name, *given) == told


@pytest.mark.parametrize("name", MOVABLE)
def test_every_command_about_runs_can_be_given_away(name: str) -> None:
    assert "--on" in [
        option for one in importlib.import_module(f"nexus_ansible.cli.{name}").command.params for option in one.opts
    ]
