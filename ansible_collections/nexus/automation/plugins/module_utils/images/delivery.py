# SPDX-License-Identifier: Apache-2.0
"""An image where it belongs: in an engine, in a registry or in a file."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..artefacts.build import Artefact
from ..errors import AdapterError
from ..files import write_text
from .image import SAVED, complete_archive, partial_archive, saved_document
from .saved_layers import saved_layers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .config import Description
    from .engine import Engine
    from .image import Image


def is_in_engine(engine: Engine, found: Description | None, image: Image) -> bool:
    """Say whether `found`, which the engine has under the image's name, is the image."""
    if found is None or found.id == image.id:
        return found is not None
    # With containerd's storage an image has the id of its manifest, which depends on how its layers were compressed.
    return found.is_same(image.description) and not engine.keeps_layers()


def bring_to_engine(engine: Engine, image: Image, workplace: Path) -> Description:
    """Make the engine have the image under its name, and return what the engine tells of it.

    Layers that the engine has are not sent to it. Where that takes an archive with all layers, the base's are kept
    below `workplace` meanwhile. Raises AdapterError when the engine has something else in the end.
    """
    if engine.find(image.id) is not None:
        engine.tag(image.id, image.name)
    elif engine.keeps_layers():
        engine.load(partial_archive(image))
    else:
        with saved_layers(engine.save(image.base.id), image.base.diff_ids, workplace) as layers:
            engine.load(complete_archive(image, layers))
    found = engine.find(str(image.name))
    if found is None or not is_in_engine(engine, found, image):
        raise AdapterError(
            f"The engine at {engine.host} loaded {image.id}, but has {found.id if found else 'nothing'} under the name "
            f"{image.name}. Let nobody else use the name, and give it with its registry, {image.name.full}."
        )
    return found


def digest_in_file(path: Path, image: Image) -> str | None:
    """Return the hex SHA-256 of the archive `path` when it is intact and holds the image, or else None."""
    digest = Artefact(path, path.name).digest()
    return digest if digest and _saved(path) == saved_document(image) else None


def write_file(engine: Engine, image: Image, path: Path) -> str:
    """Write the image with all its layers to `path`, and return the file's hex SHA-256.

    Readers see the finished file or the old one. The directory is made when it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    artefact = Artefact(path, path.name)
    with tempfile.TemporaryDirectory(prefix=".image-", dir=path.parent) as workplace:
        unfinished = Path(workplace) / path.name
        with saved_layers(engine.save(image.base.id), image.base.diff_ids, Path(workplace)) as layers:
            digest = _write(unfinished, complete_archive(image, layers))
        unfinished.chmod(0o644)
        artefact.digest_file.unlink(missing_ok=True)
        unfinished.replace(path)
    write_text(artefact.digest_file, f"{digest}  {path.name}\n", 0o644)
    return digest


def remove_file(path: Path) -> None:
    """Remove an archive and the file with its digest."""
    path.unlink(missing_ok=True)
    Artefact(path, path.name).digest_file.unlink(missing_ok=True)


def _saved(path: Path) -> bytes | None:
    try:
        with tarfile.open(path, "r:") as archive:
            stream = archive.extractfile(SAVED)
            return stream.read() if stream else None
    except (tarfile.TarError, KeyError):
        return None


def _write(path: Path, chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as stream:
        for chunk in chunks:
            digest.update(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest()
