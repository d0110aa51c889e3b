# SPDX-License-Identifier: Apache-2.0
"""Compiling 1,000 and 5,000 services, and reading a compiled inventory of 10,000 hosts, against their peers.

The peer of the compiler is kapitan, which compiles as many small Jinja2 targets; it is installed into `.cache/`. The
peer of the inventory is the same data as static YAML, read by the same `ansible-inventory --list`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import venv
from functools import partial
from pathlib import Path
from subprocess import run
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.measuring import Cost, cost_of, in_turns

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parent.parent
KAPITAN = "0.36.3"
ENVIRONMENTS = 3
ROUNDS = 3


def figures() -> dict[str, Any]:
    """All rows; CPU seconds of whole processes, medians of alternated runs, and how many times fewer than the peer."""
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        return {**_compiler(directory), **_large(directory), **_inventory(directory)}


def _compiler(directory: Path) -> dict[str, Any]:
    ours, peer = directory / "ours", directory / "kapitan"
    write_project(ours, 1_000, replicas=2)
    _write_targets(peer, 1_000 * ENVIRONMENTS)
    kapitan = str(_install_kapitan())
    nothing, cold, warm, kapitan_cold, kapitan_warm = in_turns(
        partial(cost_of, [sys.executable, "-c", "pass"], ours),
        partial(_compile_cold, ours),
        partial(_compile, ours),
        partial(_kapitan_cold, kapitan, peer),
        partial(cost_of, [kapitan, "compile"], peer),
        rounds=ROUNDS,
    )
    return {
        "1,000 x 3 cold, CPU s": round(cold.cpu, 2),
        f"kapitan {KAPITAN} cold, CPU s": round(kapitan_cold.cpu, 2),
        "times fewer, cold": round(kapitan_cold.cpu / cold.cpu, 1),
        "1,000 x 3 unchanged beyond python -c pass, CPU s": round(warm.cpu - nothing.cpu, 2),
        f"kapitan {KAPITAN} unchanged, CPU s": round(kapitan_warm.cpu, 2),
        "cold reached": cold.cpu <= 1.0 and kapitan_cold.cpu >= 15 * cold.cpu,
        "unchanged reached": warm.cpu - nothing.cpu <= 0.3,
    }


def _large(directory: Path) -> dict[str, Any]:
    root = directory / "large"
    write_project(root, 5_000, replicas=2)
    (cold,) = in_turns(partial(_compile_cold, root), rounds=ROUNDS)
    return {
        "5,000 x 3 cold, CPU s": round(cold.cpu, 2),
        "5,000 x 3 cold, peak RSS MB": round(cold.rss_mb),
        "5,000 x 3 reached": cold.cpu <= 5 and cold.rss_mb <= 400,
    }


def _inventory(directory: Path) -> dict[str, Any]:
    """Ours with the ansible.cfg of this repository, which sets `export`; the peer with Ansible as it comes."""
    ours, peer = directory / "hosts", directory / "static"
    write_project(ours, 1_000, replicas=10)
    _compile(ours)
    compiled = ours / "inventories" / "env-0" / "hosts"
    shutil.copy(REPOSITORY / "ansible.cfg", ours)
    (ours / "ansible_collections").symlink_to(REPOSITORY / "ansible_collections")
    peer.mkdir()
    static = peer / "hosts.yml"
    static.write_text(yaml.dump(json.loads(compiled.read_bytes()), Dumper=yaml.CSafeDumper), encoding="utf-8")
    mine, merged, theirs = in_turns(
        partial(_list, compiled, ours, {}),
        partial(_list, compiled, ours, {"ANSIBLE_INVENTORY_EXPORT": "false"}),
        partial(_list, static, peer, {}),
        rounds=ROUNDS,
    )
    return {
        "inventory of 10,000 hosts, CPU s": round(mine.cpu, 2),
        "the same without export, CPU s": round(merged.cpu, 2),
        "the same as static YAML, CPU s": round(theirs.cpu, 2),
        "times fewer, inventory": round(theirs.cpu / mine.cpu, 1),
        "inventory reached": theirs.cpu >= 4 * mine.cpu,
    }


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


def _compile(root: Path) -> Cost:
    return cost_of(
        [sys.executable, "-m", "nexus_ansible", "compile"], root, {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    )


def _compile_cold(root: Path) -> Cost:
    for name in ("playbooks", "inventories"):
        shutil.rmtree(root / name, ignore_errors=True)
    return _compile(root)


def _list(inventory: Path, directory: Path, settings: Mapping[str, str]) -> Cost:
    program = str(Path(sys.executable).with_name("ansible-inventory"))
    return cost_of([program, "-i", str(inventory), "--list"], directory, {**os.environ, **settings})


def _write_targets(root: Path, count: int) -> None:
    """Write a kapitan project: one target for each service and environment, one small template for all of them."""
    for name in ("inventory/classes", "inventory/targets", "templates"):
        (root / name).mkdir(parents=True)
    compiled = {"output_path": ".", "input_type": "jinja2", "input_paths": ["templates"]}
    parameters: dict[str, Any] = {"kapitan": {"vars": {"target": "${target}"}, "compile": [compiled]}}
    _dump(root / "inventory" / "classes" / "service.yml", {"parameters": parameters})
    (root / "templates" / "hosts.yml").write_text(
        "service: {{ inventory.parameters.target }}\n"
        "health: {{ inventory.parameters.health }}\n"
        "hosts:\n"
        "{% for number in range(inventory.parameters.replicas) %}"
        "  {{ inventory.parameters.target }}-{{ number + 1 }}: {index: {{ number + 1 }}}\n"
        "{% endfor %}",
        encoding="utf-8",
    )
    for number in range(count):
        own = {"target": f"svc-{number:05d}", "replicas": 2, "health": {"endpoint": "/health", "retries": 3}}
        _dump(root / "inventory" / "targets" / f"svc-{number:05d}.yml", {"classes": ["service"], "parameters": own})


def _dump(path: Path, data: Mapping[str, Any]) -> None:
    path.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper), encoding="utf-8")


def _kapitan_cold(kapitan: str, root: Path) -> Cost:
    for name in ("compiled", ".kapitan_cache"):
        shutil.rmtree(root / name, ignore_errors=True)
    return cost_of([kapitan, "compile"], root)


def _install_kapitan() -> Path:
    """The program, in an environment of its own under `.cache/`. Raises CalledProcessError when pip cannot get it."""
    home = REPOSITORY / ".cache" / f"kapitan-{KAPITAN}"
    program = home / "bin" / "kapitan"
    if not program.exists():
        venv.create(home, with_pip=True)
        run([home / "bin" / "python", "-m", "pip", "install", "-q", f"kapitan=={KAPITAN}"], check=True, timeout=600)
    return program


if __name__ == "__main__":
    print(json.dumps(figures(), indent=2))
