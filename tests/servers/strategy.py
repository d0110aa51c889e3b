# SPDX-License-Identifier: Apache-2.0
"""The accelerated strategy, where a test is about something else: it takes a quarter less of the processors.

Ansible's own is taken by the contract on the ground `local`, the acceptance, the installed package, and all faults.
"""

from __future__ import annotations

from typing import Any

from nexus_ansible.run.ansible import mitogen_strategy

FAST: dict[str, Any] = {"automation": {"policies": {"execution": {"strategy": "fast"}}}}
"""What an environment overrides for it."""


def accelerated() -> dict[str, str]:
    """Variables that have plain Ansible take it; none where Mitogen does not fit."""
    strategy = mitogen_strategy()
    return {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(strategy)} if strategy else {}
