# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: Resolve a secret that a registry refers to
version_added: 0.1.0
author: nexus-ansible contributors
description:
  - Returns the value behind a reference such as C(${DATABASE_PASSWORD}) in a registry, on the control node, at the
    moment of use.
  - The sources are, in this order, what the supervisor of the run handed over, the environment variable of that name,
    the lookup plugin that the registry names under C(security.secrets), and the project's vault file
    C(.nexus/secrets.yml).
options:
  _terms:
    description: Names of secrets.
    required: true
    type: list
    elements: str
seealso:
  - plugin: nexus.automation.ledger
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Write the password where only the service can read it
  ansible.builtin.copy:
    content: "{{ lookup('nexus.automation.secret', 'DATABASE_PASSWORD') }}"
    dest: /run/nexus/database
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_raw:
  description: The values, in the order of the names.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.nexus.automation.plugins.plugin_utils.recorder import project_of
from ansible_collections.nexus.automation.plugins.plugin_utils.secrets import SecretNotFoundError, resolve


class LookupModule(LookupBase):
    """The lookup `nexus.automation.secret`."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **_: Any) -> list[str]:
        """Values of the secrets named by `terms`. Raises AnsibleLookupError when one is missing."""
        known = variables or {}
        sources = known.get("nexus_secrets") or {}
        root = _root(Path(str(known.get("inventory_dir") or ".")), Path(str(known.get("playbook_dir") or ".")))
        try:
            return [resolve(name, sources.get(name) or {}, root, self._templar) for name in terms]
        except SecretNotFoundError as error:
            raise AnsibleLookupError(str(error)) from error


def _root(inventory: Path, playbooks: Path) -> Path:
    """The project: two above its inventories, or above its playbooks where the inventory is a copy, as in AWX."""
    root = inventory.resolve().parents[1]
    return root if (root / "config" / "ssot").is_dir() else project_of(playbooks.resolve() / "any.yml") or root
