# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(epilog='Example: eval "$(nexus-ansible completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands, options and names in your shell."""
    from nexus_ansible.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "nexus-ansible", "_NEXUS_ANSIBLE_COMPLETE").source())
