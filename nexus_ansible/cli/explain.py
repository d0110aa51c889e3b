# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible explain`."""

from __future__ import annotations

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.cli.table import print_table
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import SSOT, Project
from nexus_ansible.registries.problems import unknown


@click.command(
    epilog="Example: nexus-ansible explain orchestration.services.backend.scaling.min_replicas --env staging"
)
@click.argument("path", metavar="PATH")
@click.option("--env", "environment", metavar="ENV", help="As this environment sees it. Default: every environment.")
@project_option
@json_option
def command(project: Project, path: str, environment: str | None, as_json: bool) -> None:
    """Tell where a value comes from: the one that wins, and every one that lost, with file, line and column.

    PATH is dotted, and numbers in brackets count from 0: automation.workflows.deployment.production.steps[0].
    """
    from nexus_ansible.registries.explain import explain, parse_path
    from nexus_ansible.registries.registry_set import environment_names, read_registries

    registries = read_registries(project.ssot, shown=SSOT)
    names = environment_names(registries)
    if environment is not None and environment not in names:
        raise RefusedError("\n  ".join(unknown("environment", environment, names)))
    key_path = parse_path(path)
    found = {name: explain(registries, key_path, name) for name in ([environment] if environment else names)}
    if as_json:
        environments = {name: explanation.as_json() for name, explanation in found.items()}
        print_json({"path": path, "environments": environments})
        return
    for name, explanation in found.items():
        rows = [(source.part, source.text, source.origin) for source in explanation.sources]
        click.echo(f"{path} in {name}: {explanation.text}")
        print_table("", ("", "value", "from"), rows)
