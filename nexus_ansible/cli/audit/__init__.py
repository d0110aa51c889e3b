# SPDX-License-Identifier: Apache-2.0
"""`nexus-ansible audit`: one file for each of its commands."""

from __future__ import annotations

from nexus_ansible.cli.lazy import LazyCommands

command = LazyCommands(
    name="audit",
    package="nexus_ansible.cli.audit",
    commands={
        "log": "List records.",
        "show": "Show everything about a run.",
        "verify": "Check that the ledger is intact and complete.",
        "prove": "Write, or check, the proof that a record is in the ledger.",
        "export": "Write records as JSON lines, CSV or for ansible-navigator.",
        "erase": "Remove personal data for ever; the ledger still verifies.",
        "acknowledge": "Accept a clock step, with a reason.",
    },
    help="Read and verify the ledger: what happened, who did it, and why.",
    epilog="Example: nexus-ansible audit log --env production --changed",
)
