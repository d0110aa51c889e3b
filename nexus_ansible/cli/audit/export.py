# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit export`."""

from __future__ import annotations

import sys
from typing import Any

import click

from nexus_ansible.cli.audit.filters import filter_options, query_of
from nexus_ansible.cli.options import project_option
from nexus_ansible.project import Project


@click.command(epilog="Example: nexus-ansible audit export --format csv --since 2025-01-01 > audit.csv")
@click.option(
    "--format", "format_name", type=click.Choice(["jsonl", "csv", "navigator"]), default="jsonl", show_default=True
)
@filter_options
@project_option
def command(project: Project, format_name: str, **filters: Any) -> None:
    """Write records to standard output: JSON lines, CSV, or one run for `ansible-navigator replay`."""
    from nexus_ansible.ledger.formats import export

    export(project.ledger, query_of(**filters), format_name, sys.stdout)
