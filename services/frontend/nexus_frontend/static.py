# SPDX-License-Identifier: Apache-2.0
"""The page's own files: read once, so that no request can name a path."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Final

import falcon

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_TYPES: Final = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


class StaticResource:
    """`/static/NAME`: a file of the package, with an entity tag."""

    def __init__(self) -> None:
        files = (resources.files("nexus_frontend") / "static").iterdir()
        self._files = {file.name: _File(file) for file in files}

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Answer with the file, with 304 if the client has it, or with 404."""
        file = self._files.get(name)
        if file is None:
            raise falcon.HTTPNotFound
        resp.cache_control = ["public", "max-age=300"]
        resp.etag = file.tag
        if file.tag in (req.if_none_match or ()):
            resp.status = falcon.HTTP_NOT_MODIFIED
            return
        resp.data = file.content
        resp.content_type = file.content_type


class _File:
    def __init__(self, path: Traversable) -> None:
        self.content = path.read_bytes()
        self.content_type = _TYPES[path.name.rpartition(".")[2]]
        self.tag = falcon.ETag(hashlib.sha256(self.content).hexdigest()[:32])
