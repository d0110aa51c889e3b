# SPDX-License-Identifier: Apache-2.0
"""Secrets of a run: what the environment gives, what the project's vault file holds, and what has to be made up."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import yaml

from nexus_ansible.compile.write import write_file
from nexus_ansible.errors import RefusedError
from nexus_ansible.model.platform import Secret
from nexus_ansible.project import Project, refusing

GENERATED_BYTES = 24
_URL_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@", re.IGNORECASE)
_CREDENTIAL = re.compile(
    r"(?:AWS|AZURE|ARM)_\w*(?:SECRET|SECRET_ACCESS_KEY|SESSION_TOKEN|PASSWORD|AUTHORIZATION_TOKEN)"
)
_HEADER = "# Secrets of this project, encrypted with Ansible Vault. `nexus-ansible` adds those it makes up.\n---\n"


def vault_file(project: Project) -> Path:
    """The Ansible Vault file of a project."""
    return project.state / "secrets.yml"


def password_file(project: Project) -> Path:
    """The file with the vault's password, readable by its owner only."""
    return project.state / "vault-password"


def given_secrets(wanted: Mapping[str, Secret]) -> dict[str, str]:
    """The wanted secrets that the caller's environment holds."""
    return {name: os.environ[name] for name in wanted if os.environ.get(name)}


def passwords_of_addresses(environment: Mapping[str, str]) -> set[str]:
    """Passwords within the URLs of an environment, as they stand there and decoded: proxies and package indexes."""
    found = {match[1] for value in environment.values() for match in _URL_PASSWORD.finditer(value)}
    return found | {unquote(password) for password in found}


def credentials(environment: Mapping[str, str]) -> set[str]:
    """What the environment holds for the tools of clouds that nobody else may see."""
    return {value for name, value in environment.items() if _CREDENTIAL.fullmatch(name) and value}


def vault_names(project: Project) -> frozenset[str]:
    """Names in the vault file; no value is decrypted. Raises RefusedError when it cannot be read."""
    path = vault_file(project)
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        return frozenset()
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RefusedError(f"{path}: not a vault file: {error}") from error
    if node is None:
        return frozenset()
    if not isinstance(node, yaml.MappingNode):
        hint = "Encrypt single values (ansible-vault encrypt_string), so that names stay readable."
        raise RefusedError(f"{path}: expected a mapping of names to encrypted values.\n  {hint}")
    return frozenset(str(key.value) for key, _ in node.value)


def missing_secrets(project: Project, wanted: Mapping[str, Secret]) -> list[Secret]:
    """Wanted secrets that neither the environment nor the vault file nor a lookup plugin can give."""
    known = {*given_secrets(wanted), *vault_names(project)}
    return [secret for name, secret in wanted.items() if name not in known and not secret.lookup]


def require_secrets(project: Project, wanted: Mapping[str, Secret]) -> None:
    """Make up what may be made up, and refuse the run when anything else is missing. Raises RefusedError."""
    missing = missing_secrets(project, wanted)
    hopeless = [secret for secret in missing if not secret.generate]
    if hopeless:
        lines = [f'{secret.asked_by}: the secret "{secret.name}" is not given.' for secret in hopeless]
        names = " ".join(secret.name for secret in hopeless)
        advice = f"  Set {names} in the environment, or add them to {vault_file(project).relative_to(project.root)}."
        raise RefusedError("\n".join([*lines, advice]))
    if missing:
        with refusing(project.state):
            generate_secrets(project, [secret.name for secret in missing])


def generate_secrets(project: Project, names: list[str]) -> None:
    """Make up secrets and add them, encrypted, to the vault file; its password is made up with the first one."""
    from ansible.parsing.vault import VaultLib, VaultSecret

    project.make_state()
    password = _vault_password(project)
    vault = VaultLib([("default", VaultSecret(password))])
    path = vault_file(project)
    text = path.read_text("utf-8") if path.exists() else _HEADER
    for name in names:
        value = secrets.token_urlsafe(GENERATED_BYTES)
        body = "".join(f"  {line}\n" for line in vault.encrypt(value).decode().splitlines())
        text += f"{name}: !vault |\n{body}"
    write_file(path, text, 0o600)


def _vault_password(project: Project) -> bytes:
    path = password_file(project)
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        password = secrets.token_urlsafe(GENERATED_BYTES)
        write_file(path, password + "\n", 0o600)
        return password.encode()
