# SPDX-License-Identifier: Apache-2.0
"""Kapitan, the compiler's peer: as many small Jinja2 targets as we have services. It is installed below `.cache/`."""

from __future__ import annotations

import shutil
import subprocess
import venv
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.measuring import REPOSITORY, Cost, cost_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = "0.36.3"
NAME = f"kapitan {VERSION}"
TEMPLATE = """\
service: {{ inventory.parameters.target }}
health: {{ inventory.parameters.health }}
hosts:
{% for number in range(inventory.parameters.replicas) %}\
  {{ inventory.parameters.target }}-{{ number + 1 }}: {index: {{ number + 1 }}}
{% endfor %}"""


def install() -> str:
    """The program, in an environment of its own. Raises CalledProcessError when pip cannot get it."""
    home = REPOSITORY / ".cache" / f"kapitan-{VERSION}"
    program = home / "bin" / "kapitan"
    if not program.exists():
        venv.create(home, with_pip=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "-q", f"kapitan=={VERSION}"]
        subprocess.run(pip, check=True, timeout=600)
    return str(program)


def write_targets(root: Path, count: int) -> None:
    """Write a project: one target for each service and environment, one small template for all of them."""
    for name in ("inventory/classes", "inventory/targets", "templates"):
        (root / name).mkdir(parents=True)
    compiled = {"output_path": ".", "input_type": "jinja2", "input_paths": ["templates"]}
    parameters: dict[str, Any] = {"kapitan": {"vars": {"target": "${target}"}, "compile": [compiled]}}
    _dump(root / "inventory" / "classes" / "service.yml", {"parameters": parameters})
    (root / "templates" / "hosts.yml").write_text(TEMPLATE, encoding="utf-8")
    for number in range(count):
        own = {"target": f"svc-{number:05d}", "replicas": 2, "health": {"endpoint": "/health", "retries": 3}}
        _dump(root / "inventory" / "targets" / f"svc-{number:05d}.yml", {"classes": ["service"], "parameters": own})


def compile_again(program: str, root: Path) -> Cost:
    """Compile what may be compiled already."""
    return cost_of([program, "compile"], root)


def compile_cold(program: str, root: Path) -> Cost:
    """Compile anew."""
    for name in ("compiled", ".kapitan_cache"):
        shutil.rmtree(root / name, ignore_errors=True)
    return compile_again(program, root)


def _dump(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper), encoding="utf-8")
