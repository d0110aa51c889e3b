# SPDX-License-Identifier: Apache-2.0
"""Content that is named after its digest (OCI image specification 1.1, "Content Descriptors")."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .tar_stream import Content, content_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True)
class Blob:
    """Content with its digest, `sha256:` and 64 hex digits."""

    digest: str
    content: Content

    @property
    def place(self) -> str:
        """Where an image layout keeps it."""
        return place_of(self.digest)


def place_of(digest: str) -> str:
    """Return where an image layout keeps the blob of that digest."""
    return f"blobs/{digest.replace(':', '/')}"


def measure(read: Callable[[], Iterable[bytes]]) -> Blob:
    """Read the content once to learn its size and digest."""
    digest, size = hashlib.sha256(), 0
    for chunk in read():
        digest.update(chunk)
        size += len(chunk)
    return Blob(f"sha256:{digest.hexdigest()}", Content(size, read))


def text_blob(text: bytes) -> Blob:
    """Return a blob that is held in memory."""
    return measure(content_of(text).read)
