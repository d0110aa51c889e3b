# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible validate`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.compile.project import check_project
from nexus_ansible.registries.problems import InvalidRegistriesError

if TYPE_CHECKING:
    from nexus_ansible.project import Project


@click.command(epilog="Example: nexus-ansible validate --json")
@project_option
@json_option
def command(project: Project, as_json: bool) -> None:
    """Check the five registries and tell every problem, each with file, line and column.

    Nothing is written. Ends with 4 when there are problems.
    """
    try:
        platform = check_project(project).platform
    except InvalidRegistriesError as error:
        if as_json:
            problems = [
                {"what": problem.what, "hint": problem.hint, **asdict(problem.position)} for problem in error.problems
            ]
            print_json({"valid": False, "problems": problems})
            raise click.exceptions.Exit(error.exit_code) from error
        raise
    counts = {
        "services": len({name for environment in platform.environments.values() for name in environment.services}),
        "environments": len(platform.environments),
        "workflows": len(platform.workflows),
    }
    if as_json:
        print_json({"valid": True, "problems": [], **counts})
    else:
        click.echo("valid: " + ", ".join(f"{number} {what}" for what, number in counts.items()))
