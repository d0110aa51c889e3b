#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Unpack an artefact as a release."""

from __future__ import annotations

DOCUMENTATION = """
module: release
short_description: Unpack an artefact as a release
version_added: 0.1.0
description:
  - Unpacks an artefact into C(<releases>/<release id>/), which appears complete or not at all.
  - Removes old releases whenever it unpacks a new one, and only then, so that repeating it changes nothing.
  - The artefact's digest is verified first, and members that would leave the directory are refused.
  - A release whose files are no longer those of the artefact is replaced, and so is what a crash left half unpacked.
author:
  - nexus-ansible contributors (!UNKNOWN)
options:
  artefact:
    description: The artefact, as RV(nexus.automation.artefact#module:path) tells it.
    type: path
    required: true
  sha256:
    description: The digest it must have. The one in the file C(.sha256) beside it by default.
    type: str
  releases:
    description: Where the releases of one service are kept. Created when missing.
    type: path
    required: true
  keep:
    description: How many of the newest releases are kept, this one included.
    type: int
    default: 5
  in_use:
    description:
      - Identifiers of releases that are kept in any case, because an instance runs them or a rollback needs them.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Says what it would unpack and remove. An artefact that has not been built yet is taken as good.
    support: full
  diff_mode:
    description: Releases are not shown.
    support: none
  idempotent:
    description: A release that is there with all its files unchanged is left alone.
    support: full
"""

EXAMPLES = """
- name: Unpack the backend
  nexus.automation.release:
    artefact: "{{ backend.path }}"
    sha256: "{{ backend.digest }}"
    releases: /srv/nexus/releases/backend
    keep: 3
    in_use: "{{ running_release_ids }}"
"""

RETURN = """
path:
  description: The release's directory.
  returned: success
  type: str
  sample: /srv/nexus/releases/backend/backend-0.1.0-4be7bda11a3c
release_id:
  description: The release's identifier, which is its directory's name.
  returned: success
  type: str
  sample: backend-0.1.0-4be7bda11a3c
removed:
  description: Identifiers of the old releases that were removed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [backend-0.0.9-a7d0d3bd3ae2]
"""

import shutil
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.artefacts.build import Artefact
from ..module_utils.artefacts.releases import (
    SUFFIX,
    Release,
    install_release,
    is_installed,
    superfluous_releases,
    verify_artefact,
)
from ..module_utils.errors import AdapterError
from ..module_utils.files import locked

ARGUMENT_SPEC: dict[str, Any] = {
    "artefact": {"type": "path", "required": True},
    "sha256": {"type": "str"},
    "releases": {"type": "path", "required": True},
    "keep": {"type": "int", "default": 5},
    "in_use": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    ensure = predict_release if module.check_mode else ensure_release
    try:
        result = ensure(module.params)
    except (AdapterError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


def ensure_release(parameters: dict[str, Any]) -> dict[str, Any]:
    """Unpack the artefact unless it is unpacked, and remove what is superfluous then."""
    releases = Path(parameters["releases"])
    artefact = verify_artefact(Path(parameters["artefact"]), parameters["sha256"])
    with locked(releases):
        if is_installed(artefact, releases):
            return _report(artefact, releases)
        install_release(artefact, releases)
        removed = superfluous_releases(releases, artefact.release_id, parameters["keep"], parameters["in_use"])
        for release in removed:
            shutil.rmtree(release.path)
            (releases / f"{release.release_id}{SUFFIX}").unlink(missing_ok=True)  # where it was brought to
    return _report(artefact, releases, removed)


def predict_release(parameters: dict[str, Any]) -> dict[str, Any]:
    """Say what `ensure_release` would do."""
    releases, path = Path(parameters["releases"]), Path(parameters["artefact"])
    if path.exists():
        artefact = verify_artefact(path, parameters["sha256"])
        if is_installed(artefact, releases):
            return _report(artefact, releases)
    else:
        artefact = Artefact(path, path.name[: -len(SUFFIX)])
    removed = superfluous_releases(releases, artefact.release_id, parameters["keep"], parameters["in_use"])
    return _report(artefact, releases, removed)


def _report(artefact: Artefact, releases: Path, removed: list[Release] | None = None) -> dict[str, Any]:
    """The result of the module; without `removed`, nothing was done."""
    return {
        "changed": removed is not None,
        "path": str(releases / artefact.release_id),
        "release_id": artefact.release_id,
        "removed": [release.release_id for release in removed or ()],
    }


if __name__ == "__main__":
    main()
