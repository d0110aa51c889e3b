# SPDX-License-Identifier: Apache-2.0
"""The names that Ansible keeps for itself are those that Ansible says."""

from __future__ import annotations

import ansible.release
from ansible.vars.reserved import get_reserved_names

from nexus_ansible.model.reserved import RESERVED_VARIABLES

LATER = {"validate_argspec": (2, 20)}  # the ansible-core that brought a name


def test_the_reserved_names_are_those_of_ansible() -> None:
    """Every name of the installed ansible-core is known; what others reserve on top is listed here."""
    names = set(get_reserved_names())
    version = tuple(int(part) for part in ansible.release.__version__.split(".")[:2])

    assert names <= RESERVED_VARIABLES
    assert RESERVED_VARIABLES - names == {name for name, since in LATER.items() if version < since}
