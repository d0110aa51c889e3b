# SPDX-License-Identifier: Apache-2.0
"""A platform and the roles it uses to every file the compiler owns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_ansible.compile.inventory import compile_inventory
from nexus_ansible.compile.paths import inventory_path, playbook_path
from nexus_ansible.compile.playbooks import compile_playbook
from nexus_ansible.compile.runners import find_runner

if TYPE_CHECKING:
    from nexus_ansible.compile.catalog import Catalog
    from nexus_ansible.model.platform import Platform


def compile_platform(platform: Platform, catalog: Catalog) -> dict[str, str]:
    """Text of every compiled file by its path in the project, sorted."""
    compiled = {
        playbook_path(name): compile_playbook(platform, workflow, catalog)
        for name, workflow in platform.workflows.items()
    }
    compiled |= {
        inventory_path(name): compile_inventory(platform, environment)
        for name, environment in platform.environments.items()
    }
    for environment in platform.environments.values():
        compiled |= find_runner(environment.runner).files(environment)
    return dict(sorted(compiled.items()))
