# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from nexus_ansible.run.redact import Redactor


@given(st.text(min_size=6, max_size=40), st.text(max_size=20))
def test_a_secret_is_hidden_however_it_is_spelled(secret: str, around: str) -> None:
    redactor = Redactor([secret])
    for spelled in (
        secret,
        quote(secret, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    ):
        assert spelled not in redactor.text(f"{around}{spelled}{around}").replace(around, "") or spelled in around


@given(st.text(min_size=12, max_size=40), st.binary(max_size=9), st.binary(max_size=9))
def test_a_secret_is_hidden_in_base64_wherever_it_stands(secret: str, before: bytes, after: bytes) -> None:
    text = base64.b64encode(before + secret.encode() + after).decode()
    for spelled in (text, text.replace("+", "-").replace("/", "_")):
        hidden = Redactor([secret]).text(spelled)
        assert "***" in hidden
        assert len(hidden.replace("***", "")) <= (len(before) + len(after)) * 4 / 3 + 12


def test_a_secret_is_hidden_as_shells_pages_and_forms_write_it() -> None:
    secret = 'it\'s <half> a "key" / 100%'
    for spelled in (shlex.quote(secret), html.escape(secret), quote_plus(secret), quote(secret).lower()):
        assert Redactor([secret]).text(f"x{spelled}x").strip("'x") == "***"


def test_a_secret_of_bytes_that_are_no_text_is_hidden() -> None:
    assert Redactor(["\udcff\udcfe-secret"]).text("a \udcff\udcfe-secret b") == "a *** b"


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_data_that_cannot_hide_anything_is_left_as_it_is(data: object) -> None:
    redactor = Redactor(["a secret that stands nowhere"])
    if not redactor.may_hide(json.dumps(data, ensure_ascii=False)):
        assert redactor.data(data) == data


def test_secrets_are_hidden_in_keys_values_and_lists() -> None:
    data = {"my hunter22 key": ["hunter22", {"url": "https://u:hunter22@host/"}], "count": 3}
    assert Redactor(["hunter22"]).data(data) == {"my *** key": ["***", {"url": "https://u:***@host/"}], "count": 3}


def test_texts_under_telling_keys_are_hidden_without_being_known() -> None:
    data = {"password": "x1", "api_key": "x2", "auth_token": "x3", "passwords_changed": "4", "path": "/x"}
    hidden = Redactor().data(data)
    assert hidden == {**data, "password": "***", "api_key": "***", "auth_token": "***"}


def test_the_longer_of_two_secrets_is_hidden_as_a_whole() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("x abcdefgh y abcd") == "x *** y ***"


def test_lines_of_a_long_secret_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\n-----END KEY-----"
    assert "MIIEvQIBADANBgkqhkiG" not in Redactor([key]).text("indented:\n    MIIEvQIBADANBgkqhkiG\n")


def test_short_values_are_left_alone() -> None:
    assert Redactor(["on", "1"]).text("turn on 1 light") == "turn on 1 light"
