#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a gate for each upstream that a proxy may get."""

from __future__ import annotations

DOCUMENTATION = """
module: proxy_gates
short_description: Have a gate for each upstream that a proxy may get
version_added: 0.1.0
description:
  - Makes the files that tell a reverse proxy where its upstreams are, as M(nexus.automation.proxy_upstream) describes
    them. New ones are closed; those that are there stay as they are.
  - Upstreams within the gates can come and go without a change of the proxy's configuration.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  folder:
    description: Where the gates are. Made when missing, for its owner alone. It must not have braces in its path.
    type: path
    required: true
  upstreams:
    description: The names of the upstreams; letters, digits, dots, hyphens and underscores.
    type: list
    elements: str
    required: true
attributes:
  check_mode:
    description: Says which gates it would make.
    support: full
  diff_mode:
    description: Not supported, the result C(made) tells it.
    support: none
  idempotent:
    description: Gates that are there are left alone, open or closed.
    support: full
"""

EXAMPLES = """
- name: Have gates for as many backends as there may be
  nexus.automation.proxy_gates:
    folder: /run/nexus/gates
    upstreams: [backend-1, backend-2, backend-3, backend-4]
"""

RETURN = """
made:
  description: The upstreams that had no gate before.
  returned: success
  type: list
  elements: str
  sample: [backend-4]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError
from ..module_utils.proxies.gates import lay_gates, missing_gates

ARGUMENT_SPEC: dict[str, Any] = {
    "folder": {"type": "path", "required": True},
    "upstreams": {"type": "list", "elements": "str", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        missing = missing_gates(Path(module.params["folder"]), module.params["upstreams"])
        if not module.check_mode:
            lay_gates(missing)
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(missing), made=[gate.name for gate in missing])


if __name__ == "__main__":
    main()
