# SPDX-License-Identifier: Apache-2.0
"""Images that were made of an environment's releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .fleet import Fleet


def release_images(fleet: Fleet) -> list[str]:
    """Their names, sorted."""
    with fleet.explained("cannot list its images"):
        found = fleet.client.images(filters=fleet.ground.filters)
    return sorted(name for image in found for name in image["RepoTags"] or () if name != "<none>:<none>")


def used_images(fleet: Fleet) -> set[str]:
    """Names that the environment's containers were made by."""
    with fleet.explained("cannot list its containers"):
        return {str(one["Image"]) for one in fleet.client.containers(all=True, filters=fleet.ground.filters)}


def untag(fleet: Fleet, names: Iterable[str]) -> None:
    """Take the names from the images; each goes with its last one."""
    for name in names:
        with fleet.explained(f"cannot remove the image {name}", "Remove the containers made of it first."):
            fleet.client.remove_image(name)
