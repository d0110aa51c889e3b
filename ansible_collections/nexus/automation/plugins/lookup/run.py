# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: run
short_description: Tell the id of the run that is under way
version_added: 0.1.0
author: nexus-ansible contributors
description:
  - Returns the id under which the ledger records the run, such as C(20250127-123000-4f2a9c).
  - Returns an empty text when the run is not recorded.
options:
  _terms:
    description: Not used.
    type: list
    elements: str
seealso:
  - plugin: nexus.automation.ledger
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Name the run in a file that outlives it
  ansible.builtin.copy:
    content: "{{ lookup('nexus.automation.run') }}\n"
    dest: /var/log/last-run
    mode: "0644"
"""

RETURN = r"""
_raw:
  description: The id.
  type: list
  elements: str
"""

from typing import Any

from ansible.plugins.lookup import LookupBase

from ansible_collections.nexus.automation.plugins.plugin_utils.current_run import current_run


class LookupModule(LookupBase):
    """The lookup `nexus.automation.run`."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **_: Any) -> list[str]:
        """The id of the run."""
        return [current_run()]
