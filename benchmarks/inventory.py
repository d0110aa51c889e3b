# SPDX-License-Identifier: Apache-2.0
"""Ansible reading a compiled inventory of 10,000 hosts, against the same groups, hosts and variables as static YAML.

Both sides run the same command with the same configuration and print the same: that of every project, with which
`--list` prints each variable where it is set, and an empty one, with which `--list` merges all variables of each host,
which costs Ansible the same on both sides. `--graph` is little more than reading, which every ansible-playbook does.
"""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path

import yaml

from benchmarks.measuring import REPOSITORY, Cost, Row, clean_environment, cost_of, fewer, in_turns
from benchmarks.projects import compile_again, write_project

SERVICES, REPLICAS = 1_000, 10
TIMES_FEWER = 4
PROGRAM = str(Path(sys.executable).with_name("ansible-inventory"))
PROJECTS_OWN = (REPOSITORY / "nexus_ansible" / "scaffold" / "ansible.cfg").read_text(encoding="utf-8")
NONE = ""
FORMS = {
    "`ansible-inventory --list` of our compiled 10,000-host inventory": ("--list", PROJECTS_OWN),
    "the same without `export` in `ansible.cfg`": ("--list", NONE),
    "`ansible-inventory --graph` of it": ("--graph", PROJECTS_OWN),
}


def rows(rounds: int) -> list[Row]:
    """Measure all rows about inventories."""
    with tempfile.TemporaryDirectory() as scratch:
        ours, peer = Path(scratch) / "project" / "inventories" / "env-0" / "hosts", Path(scratch) / "hosts.yml"
        write_project(Path(scratch) / "project", SERVICES, REPLICAS)
        compile_again(Path(scratch) / "project")
        peer.write_text(yaml.dump(json.loads(ours.read_bytes()), Dumper=yaml.CSafeDumper), encoding="utf-8")
        return [_row(work, ours, peer, *form, rounds) for work, form in FORMS.items()]


def _row(work: str, ours: Path, peer: Path, option: str, configuration: str, rounds: int) -> Row:
    mine, theirs = in_turns(*(partial(_read, path, option, configuration) for path in (ours, peer)), rounds=rounds)
    return fewer(work, mine.cpu, theirs.cpu, "static YAML", TIMES_FEWER)


def _read(inventory: Path, option: str, configuration: str) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        settings = Path(name) / "ansible.cfg"
        settings.write_text(configuration, encoding="utf-8")
        environment = clean_environment(ANSIBLE_CONFIG=str(settings), ANSIBLE_HOME=name)
        return cost_of([PROGRAM, "-i", str(inventory), option], Path(name), environment)
