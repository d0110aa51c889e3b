# SPDX-License-Identifier: Apache-2.0
"""Makes an image be where a task wants it, or no longer be there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from .delivery import bring_to_engine, digest_in_file, is_in_engine, remove_file, write_file
from .names import parse_name
from .order import fetch_base, read_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .config import Description
    from .engine import Engine
    from .image import Image
    from .names import ImageName


@dataclass(frozen=True)
class Outcome:
    """What was done, or would be; `before` is the image that had the name until then, if its description is known."""

    changed: bool
    before: Description | None = None
    size: int | None = None
    digest: str | None = None
    pushed: str | None = None


def ensure_present(engine: Engine, options: Mapping[str, Any], check_mode: bool, workplace: Path) -> dict[str, Any]:
    """Make the image unless it is there, push it when that is asked for, and return the module's result.

    `workplace` is a directory for temporary files. Raises AdapterError for what cannot be done.
    """
    if options["archive"] and options["push"]:
        raise AdapterError("`push` takes an image from the engine, and `archive` writes it to a file. Leave one out.")
    order = read_order(options)
    base, fetched = fetch_base(engine, order, check_mode)
    if base is None or (check_mode and order.missing_artefacts()):
        return _report(order.name, None, base, Outcome(changed=True))
    image = order.image(base)
    if options["archive"]:
        outcome = _keep_file(engine, image, Path(options["archive"]), check_mode)
    else:
        outcome = _keep_in_engine(engine, image, check_mode, workplace)
        if options["push"]:
            outcome = _keep_in_registry(engine, image, outcome, options["credentials"], check_mode)
    return _report(order.name, image, base, replace(outcome, changed=outcome.changed or fetched))


def ensure_no_file(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Remove the archive, and return the module's result."""
    path = Path(options["archive"])
    found = path.exists()
    if found and not check_mode:
        remove_file(path)
    return {"changed": found, "name": str(parse_name(options["name"]))}


def ensure_absent(engine: Engine, options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Take the name from the image in the engine, and return the module's result."""
    name = parse_name(options["name"])
    before = engine.find(str(name))
    if before and not check_mode:
        engine.untag(name)
    return {"changed": before is not None, "name": str(name), "diff": {"before": _shown(before), "after": {}}}


def _keep_in_engine(engine: Engine, image: Image, check_mode: bool, workplace: Path) -> Outcome:
    before = engine.find(str(image.name))
    if before and is_in_engine(engine, before, image):
        return Outcome(False, before, before.size)
    if check_mode:
        return Outcome(True, before)
    return Outcome(True, before, bring_to_engine(engine, image, workplace).size)


def _keep_file(engine: Engine, image: Image, path: Path, check_mode: bool) -> Outcome:
    digest = digest_in_file(path, image)
    before = image.description if digest else None
    if digest is None and not check_mode:
        digest = write_file(engine, image, path)
    return Outcome(before is None, before, path.stat().st_size if digest else None, digest)


def _keep_in_registry(
    engine: Engine, image: Image, outcome: Outcome, credentials: Mapping[str, str] | None, check_mode: bool
) -> Outcome:
    there = engine.registry_digest(image.name, credentials)
    known = engine.find(str(image.name)) if there and not (check_mode and outcome.changed) else None
    if known and any(name.endswith(f"@{there}") for name in known.repository_digests):
        return replace(outcome, pushed=f"{image.name.repository}@{there}")
    if check_mode:
        return replace(outcome, changed=True)
    digest = engine.push(image.name, credentials)
    pushed = f"{image.name.repository}@{digest}" if digest else None
    return replace(outcome, changed=outcome.changed or digest is None or digest != there, pushed=pushed)


def _report(name: ImageName, image: Image | None, base: Description | None, outcome: Outcome) -> dict[str, Any]:
    layers: list[dict[str, Any]] = []
    if image:
        layers = [{"digest": digest, "size": None, "origin": "base"} for digest in image.base.diff_ids]
        layers += [
            {"digest": layer.blob.digest, "size": layer.blob.content.size, "origin": layer.origin}
            for layer in image.layers
        ]
    after = image.description if image else None
    return {
        "changed": outcome.changed,
        "id": image.id if image else None,
        "name": str(name),
        "base": base.id if base else None,
        "layers": layers,
        "size": outcome.size,
        "digest": outcome.digest,
        "pushed": outcome.pushed,
        "diff": {"before": _shown(outcome.before), "after": _shown(after)},
    }


def _shown(description: Description | None) -> dict[str, Any]:
    if description is None:
        return {}
    return {"id": description.id, "layers": list(description.diff_ids), "settings": dict(description.settings)}
