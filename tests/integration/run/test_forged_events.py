# SPDX-License-Identifier: Apache-2.0
"""A module that prints forged runner events fools ansible-runner, and neither the ledger nor `audit verify`."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from nexus_ansible.ledger import read
from tests.projects import make_project, nexus

FORGED_HOST = "paymaster"
MODULE = """
from ansible.module_utils.basic import AnsibleModule

def main():
    module = AnsibleModule({"way": {"type": "str"}, "text": {"type": "str"}})
    way, text = module.params["way"], module.params["text"]
    if way == "warnings":
        module.warn(text)
    if way == "deprecations":
        module.deprecate(text, version="99.0", collection_name="ansible.builtin")
    if way == "failing msg":
        module.fail_json(msg=text)
    module.exit_json(changed=False, stdout=text, name=text)

main()
"""


def in_band(event: dict[str, Any]) -> str:
    """An event as ansible-runner's display plugin writes it into the output."""
    data = base64.b64encode(json.dumps(event).encode()).decode()
    chunks = [data[start : start + 78] for start in range(0, len(data), 78)]
    return "\x1b[K" + "".join(f"{chunk}\x1b[{len(chunk)}D" for chunk in chunks) + "\x1b[K"


def forgery() -> str:
    """A whole event: begin and end, naming a host and a task that never were."""
    event = {
        "event": "runner_on_ok",
        "uuid": "00000000-1111-2222-3333-444444444444",
        "event_data": {"host": FORGED_HOST, "task": "Transfer the money", "res": {"changed": True}},
    }
    return in_band(event) + "ok: [paymaster]" + in_band({})


def tasks_for(way: str) -> list[dict[str, Any]]:
    """Tasks that bring the forged text into the output in one way."""
    text = forgery()
    if way == "pause prompt":
        return [{"name": "Wait", "ansible.builtin.pause": {"seconds": 1, "prompt": text}}]
    if way == "debug":
        return [{"name": "Say", "ansible.builtin.debug": {"msg": text}}]
    forge = {"name": "Forge", "forge": {"way": way, "text": text}, "register": "forged"}
    if way == "failing msg":
        return [{**forge, "ignore_errors": True}]
    if way == "task name":
        return [forge, {"name": "Tell {{ forged.name }}", "ansible.builtin.debug": {"msg": "hello"}}]
    if way == "stdout":
        return [forge, {"name": "Show", "ansible.builtin.debug": {"var": "forged.stdout"}}]
    return [forge]


def run_forger(root: Path, way: str) -> Any:
    project = make_project(root / "project", {"first": tasks_for(way)})
    library = project / "roles" / "chores" / "library"
    library.mkdir()
    (library / "forge.py").write_text(MODULE)
    return project, nexus(project, "run", "chores.daily")


@pytest.mark.parametrize("way", ["warnings", "deprecations", "failing msg", "task name"])
def test_a_forged_event_is_named_and_never_recorded(tmp_path: Path, way: str) -> None:
    project, done = run_forger(tmp_path, way)
    records = [entry.record for entry in read(project / ".nexus" / "ledger")]
    assert all(record.get("host") in {None, "localhost"} for record in records)
    assert done.returncode == 9, done.stderr
    assert "forged runner event" in done.stderr
    verified = nexus(project, "audit", "verify")
    assert verified.returncode == 9
    assert "forged runner event" in verified.stderr
    assert FORGED_HOST in verified.stderr
    assert records[-1]["outcome"] == "ok"


@pytest.mark.parametrize("way", ["debug", "stdout", "pause prompt"])
def test_a_sequence_that_does_not_reach_the_stream_is_no_forgery(tmp_path: Path, way: str) -> None:
    project, done = run_forger(tmp_path, way)
    assert done.returncode == 0, done.stderr
    assert nexus(project, "audit", "verify").returncode == 0
