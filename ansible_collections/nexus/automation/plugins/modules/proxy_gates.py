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
  - Upstreams within the gates can come and go without a change of the proxy's own configuration.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  folder:
    description: Where the gates are. Made when missing, for its owner alone. It must not have braces in its path.
    type: path
    required: true
  pools:
    description: By pool, a list of the upstreams' names; letters, digits, dots, hyphens and underscores.
    type: dict
    required: true
  servers:
    description:
      - For nginx, where a file for each pool, C(<pool>.conf), tells which gates are open. Made when missing.
      - nginx's configuration includes them, so they must be there before nginx starts.
    type: path
  group:
    description: >-
      A group that may read both folders and all files in them, for a proxy that runs under an account of its own. Files
      that are made later get it from their folder.
    type: str
attributes:
  check_mode:
    description: Says which gates it would make, and which files of servers it would write.
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
    pools:
      backend: [backend-1, backend-2, backend-3, backend-4]

- name: Have them for nginx
  nexus.automation.proxy_gates:
    folder: /run/nexus/gates
    servers: /run/nexus/servers
    pools:
      backend: [backend-1, backend-2, backend-3, backend-4]
"""

RETURN = """
made:
  description: The upstreams that had no gate before.
  returned: success
  type: list
  elements: str
  sample: [backend-4]
written:
  description: The pools whose file of servers was not what the gates say.
  returned: success
  type: list
  elements: str
  sample: [backend]
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.errors import AdapterError
from ..module_utils.files import locked
from ..module_utils.proxies.gates import gate_path, lay_gates, missing_gates, read_gate, share_folder
from ..module_utils.proxies.nginx_servers import outdated_servers, write_servers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARGUMENT_SPEC: dict[str, Any] = {
    "folder": {"type": "path", "required": True},
    "pools": {"type": "dict", "required": True},
    "servers": {"type": "path"},
    "group": {"type": "str"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    folder, pools = Path(module.params["folder"]), module.params["pools"]
    servers = Path(module.params["servers"]) if module.params["servers"] else None
    try:
        missing = missing_gates(folder, [upstream for upstreams in pools.values() for upstream in upstreams])
        if module.check_mode:
            written = list(outdated_servers(servers, _addresses(folder, pools))) if servers else []
        else:
            for shared in (folder, servers) if module.params["group"] else ():
                if shared:
                    share_folder(shared, module.params["group"])
            lay_gates(missing)
            written = write_outdated(servers, folder, pools) if servers else []
    except (AdapterError, LookupError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(missing or written),
        made=[gate.name for gate in missing],
        written=[path.stem for path in written],
    )


def write_outdated(servers: Path, folder: Path, pools: Mapping[str, Sequence[str]]) -> list[Path]:
    """Write the files of servers that are not what the gates say, and return them."""
    with locked(servers):
        outdated = outdated_servers(servers, _addresses(folder, pools))
        for path, text in outdated.items():
            write_servers(path, text)
    return list(outdated)


def _addresses(folder: Path, pools: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    return {
        pool: {upstream: read_gate(gate_path(folder, upstream)) for upstream in upstreams}
        for pool, upstreams in pools.items()
    }


if __name__ == "__main__":
    main()
