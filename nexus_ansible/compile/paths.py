# SPDX-License-Identifier: Apache-2.0
"""Where compiled files are in a project."""

from __future__ import annotations

from nexus_ansible.model.workflows import file_stem


def playbook_path(workflow: str) -> str:
    """File of a workflow: `pipeline.cd.production` -> `playbooks/pipeline_cd_production.yml`."""
    return f"playbooks/{file_stem(workflow)}.yml"


def inventory_path(environment: str) -> str:
    """File of an environment's inventory. AWX lists inventories without an extension."""
    return f"inventories/{environment}/hosts"
