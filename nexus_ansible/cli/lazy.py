# SPDX-License-Identifier: Apache-2.0
"""Groups of commands whose files are imported only when they are used, so that --help is fast."""

from __future__ import annotations

import importlib
from typing import Any

import click


class LazyCommands(click.Group):
    """A group whose command NAME is `command` in the module PACKAGE.NAME; `commands` maps names to one line of help."""

    def __init__(self, *, package: str, commands: dict[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self._package = package
        self._summaries = commands

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """In the order in which people need them."""
        return list(self._summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command."""
        if cmd_name not in self._summaries:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the closest name when there is none."""
        name = args[0] if args else ""
        if name not in self._summaries and not name.startswith("-"):
            from nexus_ansible.registries.closest import closest

            close = closest(name, list(self._summaries))
            ctx.fail(f'no command "{name}".' + (f' Did you mean "{close}"?' if close else " See --help."))
        return super().resolve_command(ctx, args)
