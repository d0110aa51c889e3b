# SPDX-License-Identifier: Apache-2.0
"""From the files of a project to what they mean, and on to the compiled text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexus_ansible.compile.catalog import Catalog, load_catalog
from nexus_ansible.compile.manifest import Manifest, compiler_digest, digest, input_digests, is_current, read_manifest
from nexus_ansible.compile.runners import runner_packages
from nexus_ansible.compile.runners.check import check_runners
from nexus_ansible.compile.steps import check_steps
from nexus_ansible.compile.write import Change, changes
from nexus_ansible.model.build import build_platform, build_workflows, environment_views
from nexus_ansible.model.services import selected_services
from nexus_ansible.project import SSOT, Project
from nexus_ansible.registries.problems import InvalidRegistriesError
from nexus_ansible.registries.registry_set import Registries, read_registries

if TYPE_CHECKING:
    from pathlib import Path

    from nexus_ansible.model.platform import Platform


@dataclass(frozen=True)
class Checked:
    """A project whose registries are valid, and what they mean. `inputs` and `compiler` are for the manifest."""

    registries: Registries
    platform: Platform
    catalog: Catalog
    inputs: dict[str, str]
    compiler: str

    def is_current(self, root: Path) -> bool:
        """Whether the compiled files on disk are what these registries give, told from digests alone."""
        return is_current(root, read_manifest(root), self.compiler, self.inputs)


@dataclass(frozen=True)
class Compilation:
    """The text of every compiled file by path, and the manifest that goes with it."""

    files: dict[str, str]
    manifest: Manifest

    def changes(self, root: Path) -> list[Change]:
        """What differs on disk."""
        return changes(root, self.files, read_manifest(root))


def check_project(project: Project) -> Checked:
    """Read and check a project. Raises InvalidRegistriesError with every problem."""
    inputs = input_digests(project.root)
    registries = read_registries(project.ssot, shown=SSOT)
    catalog = load_catalog(project.root)
    views, problems = environment_views(registries)
    groups = {
        name.replace("-", "_") for environment, view in views.items() for name in selected_services(view, environment)
    }
    problems.extend(check_steps(build_workflows(registries, views).values(), groups, catalog))
    problems.extend(check_runners(views))
    if problems:
        raise InvalidRegistriesError(problems)
    platform = build_platform(registries, views)
    packages = runner_packages(environment.runner for environment in platform.environments.values())
    return Checked(registries, platform, catalog, inputs, compiler_digest(packages))


def compile_project(checked: Checked) -> Compilation:
    """Compile a checked project; nothing is written."""
    from nexus_ansible.compile.compile import compile_platform  # with Jinja2, which up-to-date projects never need

    files = compile_platform(checked.platform, checked.catalog)
    outputs = {path: digest(text.encode()) for path, text in files.items()}
    return Compilation(files, Manifest(checked.compiler, checked.inputs, outputs))
