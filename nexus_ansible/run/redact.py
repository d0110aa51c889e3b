# SPDX-License-Identifier: Apache-2.0
"""Take secrets out of data by their value, whatever key or text they stand in."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "***"
SHORTEST = 4
SHORTEST_BASE64 = 8
NESTED = 3
_URL_ESCAPE = re.compile("%[0-9A-F]{2}")
_TELLING = r"pass(?:word|wd|phrase)?{end}|secret|token|api_?key|private_?key|credential"
_TELLING_KEY = re.compile(_TELLING.format(end="$"), re.IGNORECASE)
_TELLING_TEXT = re.compile(_TELLING.format(end='"'), re.IGNORECASE)


class Redactor:
    """Replaces every known secret with `***`. Values of fewer than 4 characters are too common to replace."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Learn more secrets; each is also known as URLs, JSON, HTML, shells and base64 write it."""
        for secret in secrets:
            spellings = {secret, repr(secret)[1:-1], shlex.quote(secret).strip("'"), *_as_html(secret)}
            spellings |= {line for line in secret.splitlines() if len(line) > 8}
            spellings = _within_json(spellings | _as_url(secret)) | _as_base64(secret)
            self._secrets |= {spelling for spelling in spellings if len(spelling) >= SHORTEST}
        ordered = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def may_hide(self, text: str) -> bool:
        """Whether JSON text can hold anything that `data` would hide; most of it cannot, and need not be walked."""
        return bool((self._pattern and self._pattern.search(text)) or _TELLING_TEXT.search(text))

    def text(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def data(self, value: Any) -> Any:
        """JSON data without secrets; texts under keys such as `password` are hidden whatever they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(str(key)): HIDDEN if _hides(key, member) else self.data(member)
                for key, member in value.items()
            }
        if isinstance(value, list):
            return [self.data(member) for member in value]
        return value


def _within_json(spellings: set[str]) -> set[str]:
    """The spellings, and how JSON writes them, that within JSON, and so on: a module's JSON is a text in a result's."""
    for _ in range(NESTED):
        spellings = spellings | {
            json.dumps(text, ensure_ascii=pure)[1:-1] for text in spellings for pure in (True, False)
        }
    return spellings


def _as_html(secret: str) -> set[str]:
    """How Python's library and how Jinja write a secret into a page."""
    text = html.escape(secret, quote=False)
    return {text, html.escape(secret), text.replace('"', "&#34;").replace("'", "&#39;")}


def _as_url(secret: str) -> set[str]:
    """How URLs and forms spell a secret; digits of escapes come in capitals, and in some programs small."""
    data = secret.encode("utf-8", "surrogateescape")
    found = {quote(data, safe=""), quote(data), quote_plus(data)}
    return found | {_URL_ESCAPE.sub(lambda escape: escape[0].lower(), text) for text in found}


def _as_base64(secret: str) -> set[str]:
    """The letters that base64 makes of a secret wherever it stands in a longer text, such as `user:secret`.

    Three bytes make four letters, so there are three ways; letters that its neighbours have a part in are left out.
    """
    found = set()
    for before in range(3):
        data = bytes(before) + secret.encode("utf-8", "surrogateescape")
        whole = len(data) // 3 * 4
        text = base64.b64encode(data).decode()[:whole][-(-before * 8 // 6) :]
        found |= {text, text.replace("+", "-").replace("/", "_")}
    return {text for text in found if len(text) >= SHORTEST_BASE64}


def _hides(key: object, value: object) -> bool:
    return isinstance(value, str) and bool(value) and isinstance(key, str) and bool(_TELLING_KEY.search(key))
