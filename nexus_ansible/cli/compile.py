# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible compile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.compile.manifest import compiler_digest, input_digests, is_current, read_manifest
from nexus_ansible.errors import DriftError

if TYPE_CHECKING:
    from nexus_ansible.project import Project


@click.command(epilog="Example: nexus-ansible compile --check --diff")
@project_option
@click.option("--check", is_flag=True, help="Write nothing; end with 5 when a compiled file is not as it should be.")
@click.option("--diff", is_flag=True, help="Show the changes.")
@click.option("--force", is_flag=True, help="Write over files that were edited by hand.")
@json_option
def command(project: Project, check: bool, diff: bool, force: bool, as_json: bool) -> None:
    """Turn the registries into playbooks/ and inventories/.

    The same registries give the same bytes. Only what changed is written, what is stale is removed, and files that
    somebody edited by hand are refused.
    """
    manifest = read_manifest(project.root)
    if is_current(project.root, manifest, compiler_digest(), input_digests(project.root)):
        _tell(as_json, [], len(manifest.outputs), check)
        return
    from nexus_ansible.compile.project import check_project, compile_project
    from nexus_ansible.compile.write import apply_changes, diff_text, drift_message

    compilation = compile_project(check_project(project))
    pending = compilation.changes(project.root)
    if diff and not as_json:
        click.echo("".join(diff_text(pending)), nl=False)
    edited = [change for change in pending if change.edited]
    if edited and not force:
        raise DriftError(drift_message(edited))
    found = [
        {"path": change.path, "change": change.kind, "diff": change.diff() if diff else None} for change in pending
    ]
    if not check:
        apply_changes(project.root, pending, compilation.manifest, force=force)
    _tell(as_json, found, len(compilation.files), check)
    if check and pending:
        paths = "\n".join(f"{change.path}: {change.kind}" for change in pending)
        raise DriftError(f"{paths}\n  Run `nexus-ansible compile` and commit what it writes.")


def _tell(as_json: bool, changes: list[dict[str, str | None]], total: int, check: bool) -> None:
    if as_json:
        print_json({"files": total, "changes": changes, "written": not check and bool(changes)})
    elif not check or not changes:
        click.echo(f"{total} files, " + (f"{len(changes)} changed" if changes else "all up to date"))
