# SPDX-License-Identifier: Apache-2.0
"""Takes the picture of `apply` in the README, from a real run: `python -m docs.picture PROJECT`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from nexus_ansible.cli.progress import LiveProgress
from nexus_ansible.cli.running import addresses, deployment_of, permit_for, prepare, summary
from nexus_ansible.project import find_project
from nexus_ansible.run.plan import make_plan
from nexus_ansible.run.session import Request, execute
from nexus_ansible.run.state import RunStore

PICTURE = Path(__file__).parent / "images" / "apply.svg"
COMMAND = "nexus-ansible apply production"


def main(project_directory: Path) -> None:
    """Apply production in a project, and keep what a terminal shows at the end."""
    project = find_project(project_directory.resolve())
    prepared = prepare(project)
    workflow = deployment_of(prepared, "production")
    permit = permit_for(prepared, workflow, "production")
    plan = make_plan(prepared.manifest, workflow, "production")
    last = RunStore(project).last_success(workflow.name, "production")
    screen = Console(file=io.StringIO(), record=True, force_terminal=True, width=116)
    screen.print(f"[bold]$ {COMMAND}[/]")
    progress = LiveProgress(tuple(step.name for step in workflow.steps), last, screen)
    try:
        result = execute(
            project, prepared.platform, Request(plan, permit, "picture", {"kind": "self-approved"}), progress
        )
    finally:
        progress.close()
    screen.export_text(clear=True)  # the frames that were drawn one over the other
    screen.print(f"[bold]$ {COMMAND}[/]")
    screen.print(progress.table())
    screen.print(summary(result), highlight=True)
    for address in addresses(prepared, "production"):
        screen.print(address)
    picture = re.sub(r"@font-face \{.*?\}", "", screen.export_svg(title=COMMAND, theme=MONOKAI), flags=re.DOTALL)
    PICTURE.write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
