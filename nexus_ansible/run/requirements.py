# SPDX-License-Identifier: Apache-2.0
"""What a runner needs besides this package, looked for before a run begins: none is to end in the middle for it."""

from __future__ import annotations

import os
from configparser import ConfigParser, Error
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_ansible.compile.runners import RUNNERS, find_runner
from nexus_ansible.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexus_ansible.model.platform import Environment
    from nexus_ansible.project import Project

COLLECTIONS = "ansible_collections."
DIRECTORIES = ("~/.ansible/collections", "/usr/share/ansible/collections")
"""Where ansible-galaxy installs collections, and where distributions do, as Ansible's COLLECTIONS_PATHS has them."""


def require_installed(project: Project, environment: Environment) -> None:
    """Raise RefusedError with every Python package and collection that the runner needs and that is missing."""
    needed = find_runner(environment.runner).requires(environment)
    missing = sorted(name for name in needed if not (_importable(name) or _collection(project.root, name)))
    if missing:
        runner = environment.runner
        names = ", ".join(name.removeprefix(COLLECTIONS) for name in missing)
        install = f"Install what it needs: pip install 'nexus-ansible[{runner}]'."
        raise RefusedError(
            f'{environment.position}: the runner "{runner}" needs {names}, which this machine does not have.\n  '
            + (install if runner in RUNNERS else "Install what it needs.")
        )


def _importable(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of a package that it is in
        return False


def _collection(root: Path, name: str) -> bool:
    if not name.startswith(COLLECTIONS):
        return False
    return any((folder / name.replace(".", "/")).is_dir() for folder in _folders(root))


def _folders(root: Path) -> Iterator[Path]:
    settings = ConfigParser(interpolation=None)
    with suppress(Error, OSError, ValueError):  # Ansible says what is wrong with it
        settings.read(root / "ansible.cfg", encoding="utf-8")
    configured = settings.get("defaults", "collections_path", fallback="")
    named = os.environ.get("ANSIBLE_COLLECTIONS_PATH", configured)
    for folder in (*named.split(":"), *DIRECTORIES):
        if folder:
            yield root / Path(folder).expanduser()
