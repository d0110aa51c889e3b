# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible init`."""

from __future__ import annotations

from pathlib import Path

import click

from nexus_ansible.cli.options import json_option, print_json

WHERE = "  Write where production is: config/ssot/orchestration_registry.yaml, environments."


@click.command(epilog="Example: nexus-ansible init shop && cd shop && nexus-ansible apply production")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--runner",
    type=click.Choice(["aws", "azure", "docker", "kubernetes", "local", "ssh"]),
    default="local",
    show_default=True,
    help="What production runs on. Nothing else in the registries differs.",
)
@json_option
def command(directory: Path, runner: str, as_json: bool) -> None:
    """Make a documented project in DIR: five registries, example services, and everything compiled.

    With the runner local it applies as it stands; with another, once orchestration.environments says where. Files that
    are there already are never touched: DIR must not have any of the same name.
    """
    from nexus_ansible.scaffold import write_scaffold

    written = write_scaffold(directory.resolve(), runner)
    if as_json:
        print_json({"project": str(directory.resolve()), "files": written})
        return
    where = "" if runner == "local" else f"{WHERE}\n"
    click.echo(f"{len(written)} files in {directory}. Next:\n  cd {directory}\n{where}  nexus-ansible apply production")
