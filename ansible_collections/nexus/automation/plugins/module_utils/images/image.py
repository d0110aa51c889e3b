# SPDX-License-Identifier: Apache-2.0
"""An image with all its parts, and as an archive.

Formats: OCI image specification 1.1, "Image Layout", and beside it what `docker save` writes (Docker image
specification 1.2), so that Docker, containerd, Podman and CRI-O can load the same archive.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .blobs import Blob, place_of, text_blob
from .config import Description, image_config, image_settings
from .tar_stream import DIRECTORY, Member, content_of, stream_tar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .config import Settings
    from .layers import Layer
    from .names import ImageName

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
LAYOUT = {"imageLayoutVersion": "1.0.0"}
SAVED = "manifest.json"


@dataclass(frozen=True)
class Image:
    """New layers on a base, with a configuration and a name."""

    name: ImageName
    base: Description
    layers: Sequence[Layer]
    config: Blob
    settings: Mapping[str, Any]

    @property
    def id(self) -> str:
        """What the image is called wherever it is: the digest of its configuration."""
        return self.config.digest

    @property
    def diff_ids(self) -> list[str]:
        """The digests of all layers, the base's first."""
        return [*self.base.diff_ids, *(layer.blob.digest for layer in self.layers)]

    @property
    def description(self) -> Description:
        """What an engine will tell of it."""
        base = self.base
        return Description(self.id, base.architecture, base.variant, base.system, self.diff_ids, self.settings)


def make_image(name: ImageName, base: Description, layers: Sequence[Layer], settings: Settings) -> Image:
    """Return the image; raise AdapterError for settings that make no sense."""
    merged = image_settings(base.settings, settings)
    return Image(name, base, layers, text_blob(image_config(base, layers, merged)), merged)


def complete_archive(image: Image, base_layers: Sequence[Blob]) -> Iterator[bytes]:
    """Yield an archive that any program for images can load: it holds all layers."""
    layers = [*base_layers, *(layer.blob for layer in image.layers)]
    manifest = text_blob(_json(_manifest(image, layers)))
    documents = [
        ("oci-layout", _json(LAYOUT)),
        ("index.json", _json(_index(image, manifest))),
        (SAVED, saved_document(image)),
    ]
    return _archive(documents, [*layers, image.config, manifest])


def partial_archive(image: Image) -> Iterator[bytes]:
    """Yield an archive of the new layers alone, for a Docker engine that holds the base's layers unpacked.

    Such an engine looks for each layer among its own before it opens the archive's (moby, image/tarexport/load.go).
    Others refuse it: neither of the two formats allows layers to be missing.
    """
    return _archive([(SAVED, saved_document(image))], [*(layer.blob for layer in image.layers), image.config])


def saved_document(image: Image) -> bytes:
    """Return what `docker save` would say of the image: its id, name and layers."""
    layers = [place_of(digest) for digest in image.diff_ids]
    return _json([{"Config": image.config.place, "RepoTags": [str(image.name)], "Layers": layers}])


def _archive(documents: Sequence[tuple[str, bytes]], blobs: Sequence[Blob]) -> Iterator[bytes]:
    # The documents come first: who wants to know what is in it need not read it all.
    unique = {blob.place: blob for blob in blobs}
    return stream_tar(
        [
            *(Member(name, 0o644, content=content_of(document)) for name, document in documents),
            Member("blobs", 0o755, DIRECTORY),
            Member("blobs/sha256", 0o755, DIRECTORY),
            *(Member(place, 0o644, content=unique[place].content) for place in sorted(unique)),
        ]
    )


def _manifest(image: Image, layers: Sequence[Blob]) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(CONFIG_TYPE, image.config),
        "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
    }


def _index(image: Image, manifest: Blob) -> dict[str, Any]:
    # containerd and Podman take the name from the first annotation, tools of the specification from the second.
    names = {"io.containerd.image.name": image.name.full, "org.opencontainers.image.ref.name": image.name.tag}
    described = {**_descriptor(MANIFEST_TYPE, manifest), "annotations": names}
    return {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [described]}


def _descriptor(media_type: str, blob: Blob) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": blob.digest, "size": blob.content.size}


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
