# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible compile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexus_ansible.cli.options import json_option, print_json, project_option
from nexus_ansible.compile.manifest import compiler_digest, input_digests, is_current, read_manifest
from nexus_ansible.errors import DriftError

if TYPE_CHECKING:
    from nexus_ansible.compile.write import Change
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
        _tell(as_json, [], len(manifest.outputs), written=False)
        return
    from nexus_ansible.compile.project import check_project, compile_project
    from nexus_ansible.compile.write import apply_changes, drift_message

    compilation = compile_project(check_project(project))
    pending = compilation.changes(project.root)
    if diff and not as_json:
        click.echo("".join(change.diff() for change in pending), nl=False)
    edited = [] if force else [change for change in pending if change.edited]
    written = not check and not edited
    if written:
        apply_changes(project.root, pending, compilation.manifest, force=force)
    if as_json or written or not pending:
        _tell(as_json, [_as_json(change, diff) for change in pending], len(compilation.files), written=written)
    if edited:
        raise DriftError(drift_message(edited))
    if check and pending:
        paths = "\n".join(f"{change.path}: {change.kind}" for change in pending)
        raise DriftError(f"{paths}\n  Run `nexus-ansible compile` and commit what it writes.")


def _as_json(change: Change, diff: bool) -> dict[str, object]:
    found = {"path": change.path, "change": change.kind, "edited": change.edited}
    return {**found, "diff": change.diff()} if diff else found


def _tell(as_json: bool, changes: list[dict[str, object]], total: int, *, written: bool) -> None:
    if as_json:
        print_json({"files": total, "changes": changes, "written": written and bool(changes)})
    else:
        click.echo(f"{total} files, " + (f"{len(changes)} changed" if changes else "all up to date"))
