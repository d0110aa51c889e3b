# SPDX-License-Identifier: Apache-2.0
"""The project that `nexus-ansible init` makes: the registries and services of this repository itself.

What it runs on is the only thing that can be chosen. The folder `environments` has, by runner, what takes the place of
the registry's own entry `environments`, which is for the runner `local`.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from nexus_ansible.compile.manifest import MANIFEST
from nexus_ansible.compile.project import Compilation, check_project, compile_project
from nexus_ansible.compile.write import apply_changes
from nexus_ansible.errors import RefusedError
from nexus_ansible.project import SSOT, Project
from nexus_ansible.registries.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SOURCE = Path(__file__).parent
ENVIRONMENTS = SOURCE / "environments"
ORCHESTRATION = f"{SSOT}/orchestration_registry.yaml"
LOCAL = "local"
LISTED = 5
COPIED_SCHEMAS = "config/schemas"
RENAMED = {"gitignore": ".gitignore", "vscode": ".vscode"}
_ENTRY = re.compile(r"^  environments:\n(?:(?:    .*)?\n)*", re.MULTILINE)
LEFT_OUT = {"__init__.py", "environments", "__pycache__", ".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


def runners() -> list[str]:
    """Names of the runners that a new project can have, sorted."""
    return sorted([LOCAL, *(path.stem for path in ENVIRONMENTS.glob("*.yaml"))])


def write_scaffold(directory: Path, runner: str = LOCAL) -> list[str]:
    """Write the example project, compiled; return the paths of its files.

    Raises RefusedError, with nothing written, when one of the files is there already; also when they cannot be written.
    """
    files = {path: source.read_bytes() for path, source in sorted(_files())}
    if runner != LOCAL:
        files[ORCHESTRATION] = _with_environments(files[ORCHESTRATION].decode(), runner).encode()
    compilation = _compiled(files)
    taken = [path for path in sorted([*files, *compilation.files, MANIFEST]) if (directory / path).exists()]
    if taken:
        more = f" and {len(taken) - LISTED} more" if len(taken) > LISTED else ""
        raise RefusedError(f"{directory}: has {', '.join(taken[:LISTED])}{more} already.\n  Choose another directory.")
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    with ExitStack() as undo:
        undo.callback(_remove, directory, files, made)
        try:
            _write(directory, files)
        except OSError as error:
            raise RefusedError(f"{directory}: the project cannot be written: {error.strerror}.") from error
        apply_changes(directory, compilation.changes(directory), compilation.manifest)
        undo.pop_all()
    return sorted([*files, *compilation.files, MANIFEST])


def _with_environments(registry: str, runner: str) -> str:
    """The text of the orchestration registry with the environments of a runner."""
    wanted = (ENVIRONMENTS / f"{runner}.yaml").read_text("utf-8")
    indented = "".join(f"  {line}" if line.strip() else line for line in wanted.splitlines(keepends=True))
    return _ENTRY.sub(lambda _: indented + "\n", registry, count=1)


def _compiled(files: Mapping[str, bytes]) -> Compilation:
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), {path: data for path, data in files.items() if path.startswith(SSOT)})
        return compile_project(check_project(Project(Path(folder))))


def _write(directory: Path, files: Mapping[str, bytes]) -> None:
    for path, data in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(data)


def _remove(directory: Path, files: Iterable[str], made: Iterable[Path]) -> None:
    """Remove what was written of a project that could not be written as a whole."""
    for path in files:
        with suppress(OSError):  # not written
            (directory / path).unlink()
    below = {directory / parent for path in files for parent in PurePath(path).parents} - {directory}
    for emptied in (*sorted(below, reverse=True), *made):
        with suppress(OSError):  # not there, or with files of somebody else
            emptied.rmdir()


def _files() -> Iterator[tuple[str, Path]]:
    """(path in the project, file to copy); links are followed, except to the schemas, which no package has twice."""
    for path in SCHEMAS.glob("*.json"):
        yield f"{COPIED_SCHEMAS}/{path.name}", path
    stack = [(SOURCE, "")]
    while stack:
        directory, prefix = stack.pop()
        for path in directory.iterdir():
            if path.name in LEFT_OUT or path.name.endswith(".egg-info"):
                continue
            target = prefix + (RENAMED.get(path.name, path.name) if not prefix else path.name)
            if target == COPIED_SCHEMAS:
                continue
            if path.is_dir():
                stack.append((path, f"{target}/"))
            else:
                yield target, path
