# SPDX-License-Identifier: Apache-2.0
"""The Jinja2 environment of the compiler. Its delimiters are << >> and <% %>, so that {{ }} in a template is Ansible's."""

from __future__ import annotations

import json
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - the output is YAML and JSON, where HTML escapes would be wrong
        loader=PackageLoader("nexus_ansible.compile"),
        undefined=StrictUndefined,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["quoted"] = quoted
    return environment


def template(name: str) -> Template:
    """A template of `nexus_ansible/compile/templates/`."""
    return _environment().get_template(name)


def quoted(value: object) -> str:
    """A value as JSON, which is YAML on one line too."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
