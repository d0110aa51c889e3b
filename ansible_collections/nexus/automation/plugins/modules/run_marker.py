#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write a run's id to the managed host's own system log."""

from __future__ import annotations

DOCUMENTATION = """
module: run_marker
short_description: Write a run's id to the managed host's own system log
version_added: 0.1.0
author:
  - nexus-ansible contributors (!UNKNOWN)
description:
  - Writes one line with the run's id to syslog, or to the journal where Ansible uses it, so that the host's log and the
    ledger can be joined.
  - Enabled for an environment by C(automation.policies.monitoring.syslog_marker).
options:
  run:
    description: The run's id.
    type: str
    required: true
  workflow:
    description: The workflow that runs.
    type: str
    required: true
attributes:
  check_mode:
    description: Writes nothing and returns the line.
    support: full
  diff_mode:
    description: A log has no earlier state to compare with.
    support: none
  idempotent:
    description: Each call writes a line, which is not counted as a change.
    support: none
seealso:
  - plugin: nexus.automation.run
    plugin_type: lookup
"""

EXAMPLES = """
- name: Mark the run in the machine's log
  nexus.automation.run_marker:
    run: "{{ lookup('nexus.automation.run') }}"
    workflow: deployment.production
"""

RETURN = """
line:
  description: What was written.
  returned: always
  type: str
  sample: "nexus-ansible run=20250127-123000-4f2a9c workflow=deployment.production"
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

ARGUMENT_SPEC: dict[str, Any] = {
    "run": {"type": "str", "required": True},
    "workflow": {"type": "str", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    line = f"nexus-ansible run={module.params['run']} workflow={module.params['workflow']}"
    if not module.check_mode:
        module.log(line)
    module.exit_json(changed=False, line=line)


if __name__ == "__main__":
    main()
