# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets on the control node: from the run's supervisor, the environment, a lookup plugin, or the vault file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import lookup_loader

VAULT_FILE = Path(".nexus") / "secrets.yml"
PASSWORD_FILE = Path(".nexus") / "vault-password"

_known: dict[str, str] = {}


class SecretNotFoundError(AnsibleError):
    """No source knows a secret."""


def remember(values: Mapping[str, str]) -> None:
    """Keep secrets in this process, and in the workers it forks: they need no file and no environment variable."""
    _known.update(values)


def resolve(name: str, source: Mapping[str, Any], root: Path, templar: Any = None) -> str:
    """The value of a secret.

    `source` is its entry of the inventory's `nexus_secrets`: empty, or `lookup`, `terms` and `options`.
    Raises SecretNotFoundError when no source knows it.
    """
    if name in _known:
        return _known[name]
    value = os.environ.get(name)
    if value is None and source.get("lookup"):
        value = _look_up(source, templar)
    if value is None:
        value = vault_secrets(root).get(name)
    if value is None:
        raise SecretNotFoundError(
            f'The secret "{name}" is in none of its sources. '
            f"Set the environment variable {name}, or add it to {VAULT_FILE} with ansible-vault."
        )
    _known[name] = value
    return value


def vault_secrets(root: Path) -> dict[str, str]:
    """Every secret of a project's vault file, if there is one. Raises SecretNotFoundError when it cannot be opened."""
    path = root / VAULT_FILE
    if not path.is_file():
        return {}
    try:
        vault = VaultLib([("default", VaultSecret((root / PASSWORD_FILE).read_bytes().strip()))])
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
        return {str(key.value): vault.decrypt(value.value.strip()).decode() for key, value in node.value}
    except (OSError, AnsibleError, yaml.YAMLError) as error:
        raise SecretNotFoundError(f"{path} cannot be opened with {PASSWORD_FILE}: {error}") from error


def _look_up(source: Mapping[str, Any], templar: Any) -> str:
    plugin = lookup_loader.get(source["lookup"], loader=DataLoader(), templar=templar)
    if plugin is None:
        raise SecretNotFoundError(
            f"There is no lookup plugin {source['lookup']!r}. Install the collection that holds it."
        )
    found = plugin.run(list(source.get("terms") or []), variables={}, **dict(source.get("options") or {}))
    return str(found[0])
