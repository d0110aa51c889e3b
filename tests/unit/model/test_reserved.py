# SPDX-License-Identifier: Apache-2.0
"""The names that Ansible keeps for itself are those that Ansible says."""

from __future__ import annotations

import ansible.release
from ansible.vars.reserved import get_reserved_names

from nexus_ansible.model.reserved import RESERVED_VARIABLES


def test_the_reserved_names_are_those_of_ansible() -> None:
    """The list is that of ansible-core 2.19; other versions may have lost or won a few."""
    names = set(get_reserved_names())

    if ansible.release.__version__.startswith("2.19."):
        assert names == RESERVED_VARIABLES
    assert {"become", "environment", "hosts", "port", "tags", "timeout", "vars", "when"} <= names & RESERVED_VARIABLES
