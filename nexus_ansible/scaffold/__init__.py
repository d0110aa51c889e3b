# SPDX-License-Identifier: Apache-2.0
"""The project that `nexus-ansible init` makes: the registries and services of this repository itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from nexus_ansible.compile.project import check_project, compile_project
from nexus_ansible.compile.write import apply_changes
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import Project

SOURCE = Path(__file__).parent
RENAMED = {"gitignore": ".gitignore", "vscode": ".vscode"}
LEFT_OUT = {"__init__.py", "__pycache__", ".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


def write_scaffold(directory: Path) -> list[str]:
    """Write the example project and compile it; return the paths of its files.

    Raises RefusedError, with nothing written, when one of the files is there already or the directory cannot be made.
    """
    files = {target: source for target, source in sorted(_files())}
    taken = [target for target in files if (directory / target).exists()]
    if taken:
        raise RefusedError(f"{directory}: {', '.join(taken[:5])} exists already.\n  Choose another directory.")
    try:
        for target, source in files.items():
            (directory / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, directory / target)
    except OSError as error:
        raise RefusedError(f"{directory}: the project cannot be written: {error.strerror}") from error
    project = Project(directory)
    compilation = compile_project(check_project(project))
    apply_changes(directory, compilation.changes(directory), compilation.manifest)
    return sorted([*files, *compilation.files])


def _files() -> Iterator[tuple[str, Path]]:
    """(path in the project, file to copy); links are followed."""
    stack = [(SOURCE, "")]
    while stack:
        directory, prefix = stack.pop()
        for path in directory.iterdir():
            if path.name in LEFT_OUT or path.name.endswith(".egg-info"):
                continue
            target = prefix + (RENAMED.get(path.name, path.name) if not prefix else path.name)
            if path.is_dir():
                stack.append((path, f"{target}/"))
            else:
                yield target, path
