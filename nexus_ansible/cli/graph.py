# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible graph`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.errors import RefusedError

if TYPE_CHECKING:
    from nexus_ansible.project import Project


@click.command(epilog="Example: nexus-ansible graph production --format svg --output platform.svg")
@click.argument("what", metavar="ENV|WORKFLOW", required=False)
@click.option("--format", "kind", type=click.Choice(["mermaid", "svg"]), default="mermaid", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the terminal."
)
@project_option
@json_option
def command(project: Project, what: str | None, kind: str, output: Path | None, as_json: bool) -> None:
    """Draw the services of an environment in their waves, or the steps of a workflow in their stages.

    Default: the first environment. Mermaid text can be pasted into Markdown; SVG opens in a browser.
    """
    from nexus_ansible.compile.graph import graph_of, mermaid, svg
    from nexus_ansible.compile.project import check_project

    graph = graph_of(check_project(project).platform, what)
    if as_json:
        print_json({"title": graph.title, "columns": graph.columns, "arrows": graph.arrows})
        return
    text = mermaid(graph) if kind == "mermaid" else svg(graph)
    if output:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RefusedError(f"{output}: cannot be written: {error.strerror}.\n  Choose another --output.") from error
    else:
        click.echo(text, nl=False)
