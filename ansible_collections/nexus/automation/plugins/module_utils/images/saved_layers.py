# SPDX-License-Identifier: Apache-2.0
"""The layers of an image that an engine writes out (Docker image specification 1.2, and what followed it)."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import posixpath
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import AdapterError
from .blobs import Blob, measure
from .image import SAVED
from .tar_stream import read_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import BinaryIO

GZIP = b"\x1f\x8b"


@contextlib.contextmanager
def saved_layers(saved: Iterator[bytes], diff_ids: Sequence[str], directory: Path) -> Iterator[list[Blob]]:
    """Keep the layers of the archive `saved` below `directory` for the block, uncompressed and compared to `diff_ids`.

    Raises AdapterError when the archive is damaged, or another image's.
    """
    with tempfile.TemporaryDirectory(prefix=".layers-", dir=directory) as workplace:
        try:
            files = _unpack(saved, Path(workplace))
            layers = [_layer(files, name) for name in _listed(files)]
        except (tarfile.TarError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
            raise AdapterError(f"the engine wrote the base out as something else than an image: {error!r}.") from error
        if [layer.digest for layer in layers] != list(diff_ids):
            raise AdapterError("the engine wrote out another base than it described: it was replaced. Try again.")
        yield layers


class _Chunks(io.RawIOBase):
    """Pieces of a stream as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self.chunks = chunks
        self.rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            chunk = next(self.chunks, None)
            if chunk is None:
                return 0
            self.rest = memoryview(chunk)
        size = min(len(buffer), len(self.rest))
        buffer[:size] = self.rest[:size]
        self.rest = self.rest[size:]
        return size


def _unpack(saved: Iterator[bytes], workplace: Path) -> Mapping[str, Path]:
    """Write the files of the archive below `workplace` and return them by their names in it."""
    files: dict[str, Path] = {}
    links: dict[str, str] = {}
    with tarfile.open(fileobj=io.BufferedReader(_Chunks(saved)), mode="r|") as archive:
        for number, member in enumerate(archive):
            if member.issym():
                links[member.name] = posixpath.normpath(posixpath.join(posixpath.dirname(member.name), member.linkname))
            elif member.isreg():
                files[member.name] = workplace / str(number)
                stream = archive.extractfile(member)
                assert stream is not None, "only regular files are read"
                with files[member.name].open("wb") as target:
                    shutil.copyfileobj(stream, target)
    # A layer that an image has twice is saved once.
    return {**files, **{name: files[end] for name, end in links.items() if end in files}}


def _listed(files: Mapping[str, Path]) -> list[str]:
    (image,) = json.loads(files[SAVED].read_text(encoding="utf-8"))
    return list(image["Layers"])


def _layer(files: Mapping[str, Path], name: str) -> Blob:
    path = files[name]

    def read() -> Iterator[bytes]:
        with _opened(path) as stream:
            yield from read_chunks(stream)

    return measure(read)


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        packed = stream.read(len(GZIP)) == GZIP
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]
