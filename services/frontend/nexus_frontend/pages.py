# SPDX-License-Identifier: Apache-2.0
"""The HTML pages, rendered from the templates of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import falcon
import jinja2

if TYPE_CHECKING:
    from nexus_frontend.settings import Identity


class Pages:
    """The HTML pages. Every value is escaped, a missing one is an error."""

    def __init__(self, identity: Identity) -> None:
        """Read the templates of the package; every page names the instance that rendered it."""
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("nexus_frontend"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._templates.globals["frontend"] = identity

    def show(self, resp: falcon.Response, name: str, **values: object) -> None:
        """Render the template `name` into the response; pages are never cached, each visit counts."""
        resp.text = self._templates.get_template(name).render(values)
        resp.content_type = falcon.MEDIA_HTML
        resp.cache_control = ["no-store"]

    def not_found(
        self, _req: falcon.Request, resp: falcon.Response, _error: Exception, _params: dict[str, Any]
    ) -> None:
        """Answer 404 with a page that leads back."""
        resp.status = falcon.HTTP_NOT_FOUND
        self.show(resp, "not_found.html")
