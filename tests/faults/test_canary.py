# SPDX-License-Identifier: Apache-2.0
"""A secret in every spelling, in pieces and in sight of other users: it is found nowhere."""

from __future__ import annotations

import base64
import html
import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from nexus_ansible.run.guard import marked_processes
from nexus_ansible.run.private import MEMORY
from tests.faults.command import environment, nexus, started
from tests.projects import make_project
from tests.servers.waiting import wait_until

CANARY = "canary-7f3a/'quoted' <b> & späte$ \"x\" 100%"
LINES = "-----BEGIN CANARY-----\ncanaryline7f3aAAAA\ncanaryline7f3bBBBB\n-----END CANARY-----"
ONE = "{{ lookup('nexus.automation.secret', 'CANARY') }}"
INNER = "lookup('nexus.automation.secret', 'CANARY')"
MANY = "lookup('nexus.automation.secret', 'LINES')"
SPELLED = [
    f"{{{{ {INNER} | b64encode }}}}",
    f"Basic {{{{ ('user:' ~ {INNER} ~ 'x') | b64encode }}}}",
    f"{{{{ {INNER} | urlencode }}}}",
    f"{{{{ {INNER} | to_json }}}}",
    f"{{{{ {INNER} | to_json | to_json }}}}",
    f"{{{{ {INNER} | quote }}}}",
    f"{{{{ {INNER} | escape }}}}",
    f"{{{{ {MANY}.splitlines() }}}}",
    f"{{{{ {MANY} | indent(8) }}}}",
    f"{{{{ {MANY} | b64encode }}}}",
]
STEPS: dict[str, list[dict[str, Any]]] = {
    "first": [
        *({"name": f"Spell {n}", "ansible.builtin.debug": {"msg": text}} for n, text in enumerate(SPELLED)),
        {
            "name": "Wait",
            "ansible.builtin.shell": {"cmd": "touch marker; while ! test -e go; do sleep 0.05; done"},
            "args": {"chdir": "{{ playbook_dir }}/.."},
            "changed_when": False,
        },
        {
            "name": "Fail with it on a command line",
            "ansible.builtin.command": {"argv": ["sh", "-c", 'echo "$1"; printenv KEY; exit 3', "sh", ONE]},
            "environment": {"KEY": f"{{{{ {MANY} }}}}"},
            "changed_when": False,
        },
    ]
}


def spellings() -> set[bytes]:
    """What must stand nowhere: enough of each spelling to know it by."""
    found = {"canary-7f3a", "canaryline7f3a", "canaryline7f3b", json.dumps(CANARY)[1:-1], html.escape(CANARY)}
    found |= {quote(CANARY), quote_plus(CANARY), shlex.quote(CANARY)}
    for secret in (CANARY, LINES):
        for before in range(3):
            text = base64.b64encode(bytes(before) + secret.encode()).decode()
            found.add(text[4:24])
    return {text.encode() for text in found}


def holders(*roots: Path) -> list[str]:
    wanted = spellings()
    files = (path for root in roots for path in root.rglob("*") if path.is_file())
    return [str(path) for path in files if any(text in path.read_bytes() for text in wanted)]


def test_no_spelling_of_a_secret_is_found_in_files_output_or_processes(tmp_path: Path) -> None:
    described = {name: {"description": "opens the cage"} for name in ("CANARY", "LINES")}
    project = make_project(tmp_path / "project", STEPS, {"security": {"security": {"secrets": described}}})
    registry = project / "config" / "ssot" / "automation_registry.yaml"
    asking = "- {name: first, with: {chores_given: 'got ${CANARY} and ${LINES}'}}"
    registry.write_text(registry.read_text().replace("- first", asking))
    specs = project / "roles" / "chores" / "meta" / "argument_specs.yml"
    specs.write_text(specs.read_text().replace("options: {}", "options: {chores_given: {type: str, description: x}}"))
    env = environment(project, CANARY=CANARY, LINES=LINES)
    output = tmp_path / "output"
    with (
        output.open("wb") as stream,
        started(project, "run", "chores.daily", "-vvvv", stdout=stream, stderr=stream, env=env) as process,
    ):
        wait_until((project / "marker").exists, "the task", 120)
        run = next((project / ".nexus" / "runs" / "open").iterdir()).name
        seen = [pid for pid in marked_processes(run) if pid != process.pid]
        assert len(seen) >= 3
        for pid in seen:
            for name in ("cmdline", "environ"):
                text = Path(f"/proc/{pid}/{name}").read_bytes()
                assert not [spelled for spelled in spellings() if spelled in text], (name, text)
        assert holders(project, *MEMORY.glob(f"nexus-run-{run}-*")) == []
        (project / "go").touch()
        assert process.wait(120) == 6
    for arguments in (("audit", "show", run), ("audit", "export"), ("audit", "log", "--json"), ("status", "--json")):
        done = nexus(project, *arguments)
        (tmp_path / f"{'-'.join(arguments)}.txt").write_text(done.stdout + done.stderr)
    assert holders(tmp_path) == []
    assert (tmp_path / "audit-export.txt").read_text().count("***") >= len(SPELLED)
