# SPDX-License-Identifier: Apache-2.0
"""Ansible reading a compiled inventory of 10,000 hosts, against the same groups, hosts and variables as static YAML.

Both sides run the same command with an empty configuration and print the same. `--list` merges all variables of each
host and prints them, which costs Ansible the same on both sides; `--export` prints each variable where it is set, as
the ansible.cfg of a checkout has it; `--graph` is little more than reading, which every ansible-playbook does.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml

from benchmarks.measuring import Cost, Row, clean_environment, cost_of, fewer, in_turns
from benchmarks.projects import compile_again, write_project

SERVICES, REPLICAS = 1_000, 10
TIMES_FEWER = 4
PROGRAM = str(Path(sys.executable).with_name("ansible-inventory"))
FORMS = {
    "`ansible-inventory --list` of our compiled 10,000-host inventory": ("--list",),
    "the same with `--export`": ("--list", "--export"),
    "the same with `--graph`": ("--graph",),
}


def rows(rounds: int) -> list[Row]:
    """Measure all rows about inventories."""
    with tempfile.TemporaryDirectory() as scratch:
        ours, peer = Path(scratch) / "project" / "inventories" / "env-0" / "hosts", Path(scratch) / "hosts.yml"
        write_project(Path(scratch) / "project", SERVICES, REPLICAS)
        compile_again(Path(scratch) / "project")
        peer.write_text(yaml.dump(json.loads(ours.read_bytes()), Dumper=yaml.CSafeDumper), encoding="utf-8")
        return [_row(work, ours, peer, options, rounds) for work, options in FORMS.items()]


def _row(work: str, ours: Path, peer: Path, options: tuple[str, ...], rounds: int) -> Row:
    mine, theirs = in_turns(partial(_read, ours, options), partial(_read, peer, options), rounds=rounds)
    return fewer(work, mine.cpu, theirs.cpu, "static YAML", TIMES_FEWER)


def _read(inventory: Path, options: tuple[str, ...]) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        configuration = Path(name) / "ansible.cfg"
        configuration.touch()
        environment = clean_environment(ANSIBLE_CONFIG=str(configuration), ANSIBLE_HOME=name)
        return cost_of([PROGRAM, "-i", str(inventory), *options], Path(name), environment)
