# SPDX-License-Identifier: Apache-2.0
"""Large projects to compile: as many services as wanted, in three environments."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.measuring import REPOSITORY, Cost, clean_environment, cost_of

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENTS = 3


def write_project(root: Path, count: int, replicas: int) -> None:
    """Write a project of so many services, each with so many instances, in three environments."""
    services = {
        f"svc-{number:05d}": {
            "dependencies": [f"svc-{number % 10:05d}"] if number >= 10 else [],
            "health_check": {"endpoint": "/health", "interval": "30s", "timeout": "10s", "retries": 3},
            "scaling": {"min_replicas": replicas, "max_replicas": replicas, "target_cpu": 70, "target_memory": 80},
        }
        for number in range(count)
    }
    names = [f"env-{number}" for number in range(ENVIRONMENTS)]
    environments = {name: {"port_range": "10000-60000"} for name in names}
    variants = {name: {"steps": ["validate", "deploy"]} for name in names}
    registries: dict[str, Any] = {
        "automation": {"automation": {"workflows": {"deployment": variants}}},
        "pipeline": {"pipelines": {}},
        "orchestration": {"orchestration": {"services": services, "environments": environments}},
        "monitoring": {"monitoring": {}},
        "security": {"security": {}},
    }
    ssot = root / "config" / "ssot"
    ssot.mkdir(parents=True)
    for name, data in registries.items():
        text = yaml.dump(data, Dumper=yaml.CSafeDumper, default_flow_style=None)
        (ssot / f"{name}_registry.yaml").write_text(text, encoding="utf-8")


def compile_again(root: Path) -> Cost:
    """Compile what may be compiled already."""
    environment = clean_environment(PYTHONPATH=str(REPOSITORY))
    return cost_of([sys.executable, "-m", "nexus_ansible", "compile"], root, environment)


def compile_cold(root: Path) -> Cost:
    """Compile anew."""
    for name in ("playbooks", "inventories"):
        shutil.rmtree(root / name, ignore_errors=True)
    return compile_again(root)
