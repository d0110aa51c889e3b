# SPDX-License-Identifier: Apache-2.0
"""Where compiled files are in a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_ansible.model.workflows import file_stem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexus_ansible.model.platform import Environment


def playbook_path(workflow: str) -> str:
    """File of a workflow: `pipeline.cd.production` -> `playbooks/pipeline_cd_production.yml`."""
    return f"playbooks/{file_stem(workflow)}.yml"


def inventory_path(environment: str) -> str:
    """File of an environment's inventory. AWX lists inventories without an extension."""
    return inventory_file(environment, "hosts")


def inventory_source(environment: Environment) -> str:
    """What Ansible is given as the inventory: the file, or its directory where machines are discovered."""
    path = inventory_path(environment.name)
    return path.removesuffix("/hosts") if environment.discovery else path


def inventory_file(environment: str, name: str) -> str:
    """A file of an environment's inventory, or one that its runner puts beside it."""
    return f"inventories/{environment}/{name}"


def of_environment(files: Mapping[str, str], environment: str) -> dict[str, str]:
    """Those of compiled files that are an environment's own, by path."""
    folders = (inventory_file(environment, ""), manifest_file(environment, ""))
    return {path: value for path, value in files.items() if path.startswith(folders)}


def manifest_file(environment: str, name: str) -> str:
    """A file of an environment for other tools than Ansible, which would take it for an inventory or a playbook."""
    return f"manifests/{environment}/{name}"
