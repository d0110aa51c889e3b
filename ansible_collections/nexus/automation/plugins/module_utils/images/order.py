# SPDX-License-Identifier: Apache-2.0
"""What a task asks of an image, read from its options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..artefacts.releases import SUFFIX, verify_artefact
from ..errors import AdapterError
from .config import Settings, known_labels
from .image import make_image
from .layers import Layer, artefact_layer, files_layer
from .names import ImageName, parse_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .config import Description
    from .engine import Engine
    from .image import Image

SETTINGS = (
    "command",
    "entrypoint",
    "env",
    "exposed_ports",
    "healthcheck",
    "labels",
    "stop_signal",
    "user",
    "working_dir",
)


@dataclass(frozen=True)
class Order:
    """A name, a base, layers and settings; `pull` says when the base is fetched: missing, never or always."""

    name: ImageName
    base: str
    pull: str
    layers: Sequence[Mapping[str, Any]]
    settings: Settings

    def missing_artefacts(self) -> list[str]:
        """Return the artefacts that have not been built yet."""
        paths = [layer["artefact"] for layer in self.layers if layer["artefact"]]
        return [path for path in paths if not Path(path).exists()]

    def image(self, base: Description) -> Image:
        """Return the image on top of `base`; raise AdapterError for what no image can be made of."""
        return make_image(self.name, base, [_layer(options) for options in self.layers], self.settings)


def read_order(options: Mapping[str, Any]) -> Order:
    """Read the options of a task; raise AdapterError for those that make no sense."""
    if not options["base"]:
        raise AdapterError("`base` is empty. Name the image to build on.")
    layers = options["layers"] or []
    artefacts = [Path(layer["artefact"]) for layer in layers if layer["artefact"]]
    release_ids = [path.name[: -len(SUFFIX)] for path in artefacts if path.name.endswith(SUFFIX)]
    settings = {name: options[name] for name in SETTINGS}
    settings["labels"] = {**known_labels(options["base"], release_ids), **(options["labels"] or {})}
    name = parse_name(options["name"])
    return Order(name, options["base"], options["pull"], layers, Settings(**settings))


def fetch_base(engine: Engine, order: Order, check_mode: bool) -> tuple[Description | None, bool]:
    """Return the base, and whether it had to be fetched; without a base, it would have to be, in check mode.

    Raises AdapterError when there is none.
    """
    base = engine.find(order.base)
    if base is None and order.pull == "never":
        raise AdapterError(
            f"The engine at {engine.host} has no image {order.base}. "
            f"Load it with `docker load` or `docker pull {order.base}`, or set `pull: missing`."
        )
    if check_mode or order.pull == "never" or (base is not None and order.pull == "missing"):
        return base, base is None
    engine.pull(order.base)
    pulled = engine.find(order.base)
    if pulled is None:
        raise AdapterError(f"The engine at {engine.host} pulled {order.base}, and has it no more. Try again.")
    return pulled, base is None or base.id != pulled.id


def _layer(options: Mapping[str, Any]) -> Layer:
    if options["artefact"]:
        return artefact_layer(verify_artefact(Path(options["artefact"]), options["sha256"]), options["dest"] or "")
    return files_layer(options["files"] or [])
