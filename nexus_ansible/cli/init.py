# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible init`."""

from __future__ import annotations

from pathlib import Path

import click

from nexus_ansible.cli.options import json_option, print_json


@click.command(epilog="Example: nexus-ansible init shop && cd shop && nexus-ansible apply production")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@json_option
def command(directory: Path, as_json: bool) -> None:
    """Make a documented project in DIR: five registries, example services, and everything compiled.

    It applies as it stands. Files that are there already are never touched: DIR must not have any of the same name.
    """
    from nexus_ansible.scaffold import write_scaffold

    written = write_scaffold(directory.resolve())
    if as_json:
        print_json({"project": str(directory.resolve()), "files": written})
        return
    click.echo(f"{len(written)} files in {directory}. Next:\n  cd {directory}\n  nexus-ansible apply production")
