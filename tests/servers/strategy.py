# SPDX-License-Identifier: Apache-2.0
"""The accelerated strategy, where a test is about something else: it takes a quarter less of the processors.

Ansible's own is taken by the contract on the ground `local`, the acceptance, the installed package, and all faults.
"""

from __future__ import annotations

from typing import Any

FAST: dict[str, Any] = {"automation": {"policies": {"execution": {"strategy": "fast"}}}}
"""What an environment overrides for it."""
