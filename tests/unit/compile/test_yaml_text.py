# SPDX-License-Identifier: Apache-2.0
"""Compiled YAML says what it was made of, in one way only."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from nexus_ansible.compile.yaml_text import NOTE, yaml_text

SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.text(" \n\t'\"#:-|>ab", max_size=12)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(min_size=1, max_size=9), inner))
SHOWN = """---
block: |-
  one

  two
empty: {}
inner:
  block: |
    one

    two
list:
  - deeper:
      - 1
      - - 2
    next: 'true'
  - |
    text
  - []
"""


@given(st.dictionaries(st.text(max_size=100), TREES))
def test_what_was_written_is_read_again(document: dict[str, Any]) -> None:
    assert list(yaml.load_all(yaml_text(document, document), Loader=yaml.SafeLoader)) == [document, document]


def test_it_stands_as_people_write_it() -> None:
    document = {
        "list": [{"next": "true", "deeper": [1, [2]]}, "text\n", []],
        "empty": {},
        "block": "one\n\ntwo",
        "inner": {"block": "one\n\ntwo\n"},
    }
    assert yaml_text(document) == NOTE + SHOWN


@pytest.mark.parametrize("text", ["many words " * 40, "'quoted' words " * 40, "many \t words " * 40])
def test_long_texts_are_folded(text: str) -> None:
    written = yaml_text({"list": [{"key": text}]})
    assert max(map(len, written.splitlines())) <= 120
    assert yaml.safe_load(written) == {"list": [{"key": text}]}
