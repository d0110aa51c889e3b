# SPDX-License-Identifier: Apache-2.0
"""Small projects for tests: five registries, one environment, and a role whose tasks a test gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

REGISTRIES: dict[str, Any] = {
    "automation": {"automation": {"project": "lab", "workflows": {"chores": {"daily": {"steps": ["first"]}}}}},
    "pipeline": {"pipelines": {}},
    "orchestration": {"orchestration": {"services": {}, "environments": {"lab": {"runner": "local"}}}},
    "monitoring": {"monitoring": {}},
    "security": {"security": {}},
}


def make_project(
    root: Path, steps: dict[str, list[dict[str, Any]]], changes: dict[str, Any] | None = None, **workflow: Any
) -> Path:
    """Write a project whose workflow `chores.daily` runs the given tasks, one list for each step."""
    registries = dict(REGISTRIES)
    registries["automation"] = {
        "automation": {
            "project": "lab",
            "workflows": {"chores": {"daily": {"steps": list(steps), "environment": "lab", **workflow}}},
        }
    }
    for name, data in registries.items():
        merged = _merged(data, (changes or {}).get(name, {}))
        write_yaml(root / "config" / "ssot" / f"{name}_registry.yaml", merged)
    specs = {step: {"short_description": step, "options": {}} for step in steps}
    write_yaml(root / "roles" / "chores" / "meta" / "argument_specs.yml", {"argument_specs": specs})
    for step, tasks in steps.items():
        write_yaml(root / "roles" / "chores" / "tasks" / f"{step}.yml", tasks)
    return root


def write_yaml(path: Path, data: Any) -> None:
    """Write YAML, with the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def nexus(
    project: Path, *arguments: str, env: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a project, as a person in a pipe would."""
    environment = {**os.environ, "XDG_STATE_HOME": str(project.parent / "state"), **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "nexus_ansible", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
        **options,
    )


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return {
        **base,
        **{
            key: _merged(base[key], value) if isinstance(base.get(key), dict) and isinstance(value, dict) else value
            for key, value in over.items()
        },
    }
