# SPDX-License-Identifier: Apache-2.0
"""Everything from the files of a project to its compiled text, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nexus_ansible.compile.catalog import Catalog, load_catalog
from nexus_ansible.compile.compile import compile_platform
from nexus_ansible.compile.manifest import Manifest, compiler_digest, digest, input_digests, read_manifest
from nexus_ansible.compile.steps import check_steps
from nexus_ansible.compile.write import Change, changes
from nexus_ansible.model.build import build_platform, build_workflows, environment_views
from nexus_ansible.model.platform import Platform
from nexus_ansible.project import SSOT, Project
from nexus_ansible.registries.problems import InvalidRegistriesError
from nexus_ansible.registries.registry_set import Registries, read_registries


@dataclass(frozen=True)
class Compilation:
    """A project's registries, what they mean, and the files they give."""

    registries: Registries
    platform: Platform
    catalog: Catalog
    files: dict[str, str]
    manifest: Manifest

    def changes(self, root: Path) -> list[Change]:
        """What differs on disk."""
        return changes(root, self.files, read_manifest(root))


def compile_project(project: Project) -> Compilation:
    """Read, check and compile a project; nothing is written.

    Raises InvalidRegistriesError with every problem.
    """
    inputs = input_digests(project.root)
    registries = read_registries(project.ssot, shown=SSOT)
    catalog = load_catalog(project.root)
    views, problems = environment_views(registries)
    groups = {name.replace("-", "_") for name in registries.get(("orchestration", "services"), {})}
    problems.extend(check_steps(build_workflows(registries, views).values(), groups, catalog))
    if problems:
        raise InvalidRegistriesError(problems)
    platform = build_platform(registries, views)
    files = compile_platform(platform, catalog)
    outputs = {path: digest(text.encode()) for path, text in files.items()}
    return Compilation(registries, platform, catalog, files, Manifest(compiler_digest(), inputs, outputs))
