# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible explain`."""

from __future__ import annotations

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.cli.table import print_table
from nexus_ansible.project import SSOT, Project


@click.command(epilog="Example: nexus-ansible explain orchestration.services.backend.scaling.min_replicas --env staging")
@click.argument("path", metavar="PATH")
@click.option("--env", "environment", metavar="ENV", help="As this environment sees it. Default: every environment.")
@project_option
@json_option
def command(project: Project, path: str, environment: str | None, as_json: bool) -> None:
    """Tell where a value comes from: the one that wins, and every one that lost, with file, line and column.

    PATH is dotted: orchestration.services.backend.scaling.min_replicas, automation.workflows.deployment.production.steps[0].
    """
    from nexus_ansible.registries.explain import explain, parse_path
    from nexus_ansible.registries.registry_set import environment_names, read_registries

    registries = read_registries(project.ssot, shown=SSOT)
    names = environment_names(registries)
    if environment is not None and environment not in names:
        raise click.BadParameter(f"unknown environment. Known: {', '.join(names)}", param_hint="--env")
    key_path = parse_path(path)
    found = {name: explain(registries, key_path, name) for name in ([environment] if environment else names)}
    if as_json:
        data = {name: [source.as_json() for source in sources] for name, sources in found.items()}
        print_json({"path": path, "environments": data})
        return
    for name, sources in found.items():
        rows = [("wins" if index == 0 else "lost", source.text, source.origin) for index, source in enumerate(sources)]
        click.echo(f"{path} in {name}: {sources[0].text}")
        print_table(name, ("", "value", "from"), rows)
