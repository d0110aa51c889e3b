# SPDX-License-Identifier: Apache-2.0
"""The Jinja2 environment of the compiler.

Its delimiters are << >> and <% %>, so that {{ }} in a template is Ansible's.
"""

from __future__ import annotations

import json
import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

_PLAIN = re.compile(r"[A-Za-z_]([A-Za-z0-9_.,/|-]|:(?=[A-Za-z0-9])| (?=[A-Za-z0-9|]))*")
_SPECIAL = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


@cache
def _environment() -> Environment:
    environment = Environment(
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
        autoescape=False,  # noqa: S701 - the output is YAML and JSON, where HTML escapes would be wrong
    )
    environment.filters |= {"plain": plain, "quoted": quoted}
    return environment


def template(name: str) -> Template:
    """A template of `nexus_ansible/compile/templates/`."""
    return _environment().get_template(name)


def plain(value: object) -> str:
    """A value as YAML writes it: without quotes where it cannot be mistaken for something else.

    >>> plain("Deploy | wave 1"), plain("yes"), plain("{{ item }}"), plain(3)
    ('Deploy | wave 1', '"yes"', '"{{ item }}"', '3')
    """
    if isinstance(value, str) and (not _PLAIN.fullmatch(value) or value.lower() in _SPECIAL):
        return quoted(value)
    return str(value)


def quoted(value: object) -> str:
    """A value as JSON, which is YAML on one line too."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
