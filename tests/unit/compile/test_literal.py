# SPDX-License-Identifier: Apache-2.0
"""What a registry says reaches Ansible as it stands; only `${NAME}` becomes something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from nexus_ansible.compile.literal import literal


def _rendered(text: str) -> str:
    environment = Environment(keep_trailing_newline=True)
    return environment.from_string(text).render(lookup=lambda _, name: f"<{name}>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ 1 + 1 }}", "{{ 1 + 1 }}"),
        ("{% raw %}{{ x }}{% endraw %}", "{% raw %}{{ x }}{% endraw %}"),
        ("{# not a comment #}", "{# not a comment #}"),
        ("{{{{", "{{{{"),
        ("Bearer ${TOKEN}", "Bearer <TOKEN>"),
        ("{${TOKEN}}", "{<TOKEN>}"),
        ("{{${A}}}${B}{", "{{<A>}}<B>{"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
    ],
)
def test_text_means_itself_and_references_mean_secrets(text: str, expected: str) -> None:
    assert _rendered(literal(text)) == expected


@given(st.text(alphabet="{}%#$ ABx'\"\\-\n", max_size=40))
def test_any_text_comes_out_of_jinja_as_it_went_in(text: str) -> None:
    assert _rendered(literal(text.replace("${", "$ {"))) == text.replace("${", "$ {")


def test_lists_and_mappings_are_literal_all_the_way_down() -> None:
    value = {"{{ key }}": [("{{ x }}", 1), {"deep": "${DEEP}"}], "n": None, "yes": True}

    assert literal(value) == {
        "{{ key }}": [["{{ '{' }}{ x }}", 1], {"deep": "{{ lookup('nexus.automation.secret', 'DEEP') }}"}],
        "n": None,
        "yes": True,
    }
