# SPDX-License-Identifier: Apache-2.0
"""Asks an HTTP server for one page and looks at status and body."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UnreachableError
from ..http_client import Page, Response, get_page, page_from_options, path_of
from .base import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

BODY_LIMIT = 1_048_576
SHOWN = 200


@dataclass(frozen=True)
class HttpCheck:
    """GET of one page; the body matters only when `contains` or `json_pointer` is set."""

    page: Page
    statuses: tuple[int, ...]
    contains: str | None
    json_pointer: str | None
    json_value: Any

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> HttpCheck:
        """Make one from `url`, or from `host`, `port`, `path` and `tls`."""
        path = path_of(options["url"]) if options["url"] else options["path"] or "/"
        return cls(
            page=page_from_options(options, path),
            statuses=tuple(options["statuses"]),
            contains=options["contains"],
            json_pointer=options["json_pointer"],
            json_value=options["json_value"],
        )

    @property
    def address(self) -> str:
        """The page's URL."""
        return self.page.address

    def probe(self, timeout: float) -> Answer:
        """Get the page once."""
        try:
            with get_page(self.page, timeout) as response:
                return self._judge(response)
        except UnreachableError as error:
            return Answer(False, str(error))

    def _judge(self, response: Response) -> Answer:
        status = response.status
        if status not in self.statuses:
            wanted = ", ".join(map(str, self.statuses))
            shown = " ".join(response.body(SHOWN).split())
            return Answer(False, f"HTTP {status} instead of {wanted}" + (f": {shown}" if shown else ""), status)
        problem = self._body_problem(response)
        return Answer(problem is None, problem or f"HTTP {status}", status)

    def _body_problem(self, response: Response) -> str | None:
        if self.contains is None and self.json_pointer is None:
            return None
        body = response.body(BODY_LIMIT)
        if self.contains is not None and self.contains not in body:
            return f"the body lacks {self.contains!r}: {body[:SHOWN]!r}"
        if self.json_pointer is None:
            return None
        return _json_problem(body, self.json_pointer, self.json_value)


def resolve_pointer(document: Any, pointer: str) -> Any:
    """Return the value `pointer` (RFC 6901) refers to; raise LookupError when there is none."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and key.isdigit():
            value = value[int(key)]
        elif isinstance(value, dict):
            value = value[key]
        else:
            raise LookupError(pointer)
    return value


def _json_problem(body: str, pointer: str, wanted: Any) -> str | None:
    try:
        found = resolve_pointer(json.loads(body), pointer)
    except ValueError:
        return f"the body is not JSON: {body[:SHOWN]!r}"
    except LookupError:
        return f"the body has nothing at {pointer}: {body[:SHOWN]!r}"
    if found != wanted:
        return f"{pointer} is {json.dumps(found)} instead of {json.dumps(wanted)}"
    return None
