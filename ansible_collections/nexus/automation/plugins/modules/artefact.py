#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build a reproducible artefact from a source directory."""

from __future__ import annotations

DOCUMENTATION = """
module: artefact
short_description: Build a reproducible artefact from a source directory
version_added: 0.1.0
description:
  - Packs a source directory into C(<dest>/<name>/<name>-<version>-<key>.tar.gz) with a file C(.sha256) beside it.
  - The same source gives the same bytes, wherever and whenever it is built. The key stands for all that goes in
    (the files, the kind, and for Python projects the interpreter's version and platform), so that an unchanged source
    is not built again, and a damaged artefact is.
author:
  - nexus-ansible contributors (!UNKNOWN)
requirements:
  - pip in the O(interpreter), for O(kind=python)
options:
  name:
    description: The artefact's name.
    type: str
    required: true
  version:
    description: The artefact's version. For O(kind=python) the one in C(pyproject.toml) by default.
    type: str
  kind:
    description:
      - V(python) installs the project and the dependencies that its C(requirements.lock) pins with hashes, so that the
        artefact is a folder for E(PYTHONPATH). Dependencies must be available as wheels. Start scripts are left out.
      - V(files) takes the files as they are.
    type: str
    default: files
    choices: [python, files]
  source:
    description: The directory to build from. It is not written to.
    type: path
    required: true
  dest:
    description: Where artefacts are kept. Created when missing.
    type: path
    required: true
  ignore:
    description:
      - Shell patterns of what is left out, matched against names and against paths below O(source).
      - C(__pycache__) and C(*.pyc) are always left out.
    type: list
    elements: str
    default: [.git, .venv, "*.egg-info", .mypy_cache, .pytest_cache, .ruff_cache]
  interpreter:
    description:
      - The Python that dependencies are installed with, and unless O(target) says otherwise for. The one that runs the
        module by default.
    type: path
  target:
    description:
      - The Python that dependencies are installed for, where it is another one. Wheels and pins are chosen for it; the
        project itself is installed as it is, so it must be plain Python.
      - An artefact for the O(interpreter) is taken when that runs there as well.
    type: dict
    suboptions:
      version:
        description: Its full version.
        type: str
        required: true
      platform:
        description: Its platform, as Python's C(sysconfig.get_platform()) tells it.
        type: str
        required: true
      glibc:
        description: The version of its glibc.
        type: str
        required: true
attributes:
  check_mode:
    description: Says which artefact it would build and does not build it.
    support: full
  diff_mode:
    description: Archives are not shown.
    support: none
  idempotent:
    description: An artefact that is there, intact and of the same source is left alone.
    support: full
"""

EXAMPLES = """
- name: Build the backend
  nexus.automation.artefact:
    name: backend
    kind: python
    source: "{{ playbook_dir }}/../services/backend"
    dest: /srv/nexus/artefacts
    ignore: [tests, .git, .venv, "*.egg-info"]
  register: backend

- name: Pack the static pages
  nexus.automation.artefact:
    name: pages
    version: 1.4.0
    source: /srv/pages
    dest: /srv/nexus/artefacts
"""

RETURN = """
path:
  description: The artefact.
  returned: success
  type: str
  sample: /srv/nexus/artefacts/backend/backend-0.1.0-4be7bda11a3c.tar.gz
digest:
  description: Its hex SHA-256; null when it would be built, in check mode.
  returned: success
  type: str
  sample: 08d4f1c3a1ba3ba9f41e0ee39c73b0dfcae2f22d5e3f5ac0d1bd5a6bc0e2b8e4
version:
  description: Its version.
  returned: success
  type: str
  sample: 0.1.0
release_id:
  description: What the release unpacked from it is called.
  returned: success
  type: str
  sample: backend-0.1.0-4be7bda11a3c
"""

import sys
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.artefacts.build import Recipe, build_artefact, locate_artefact, make_recipe
from ..module_utils.artefacts.python_packages import project_version
from ..module_utils.artefacts.python_target import PythonTarget
from ..module_utils.errors import AdapterError

ARGUMENT_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str"},
    "kind": {"type": "str", "default": "files", "choices": ["python", "files"]},
    "source": {"type": "path", "required": True},
    "dest": {"type": "path", "required": True},
    "ignore": {
        "type": "list",
        "elements": "str",
        "default": [".git", ".venv", "*.egg-info", ".mypy_cache", ".pytest_cache", ".ruff_cache"],
    },
    "interpreter": {"type": "path"},
    "target": {
        "type": "dict",
        "options": {name: {"type": "str", "required": True} for name in ("version", "platform", "glibc")},
    },
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, required_if=[("kind", "files", ["version"])], supports_check_mode=True
    )
    try:
        result = ensure_artefact(module.params, module.check_mode)
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def ensure_artefact(parameters: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Build the artefact unless it is there."""
    recipe = _recipe(parameters)
    artefact = locate_artefact(recipe, Path(parameters["dest"]))
    digest = artefact.digest()
    changed = digest is None
    if changed and not check_mode:
        digest = build_artefact(recipe, artefact)
    return {
        "changed": changed,
        "path": str(artefact.path),
        "digest": digest,
        "version": recipe.version,
        "release_id": artefact.release_id,
    }


def _recipe(parameters: dict[str, Any]) -> Recipe:
    source = Path(parameters["source"]).absolute()
    interpreter = (parameters["interpreter"] or sys.executable) if parameters["kind"] == "python" else None
    version = parameters["version"] or project_version(source)
    target = PythonTarget(**parameters["target"]) if parameters["target"] else None
    return make_recipe(parameters["name"], version, source, parameters["ignore"], interpreter, target)


if __name__ == "__main__":
    main()
