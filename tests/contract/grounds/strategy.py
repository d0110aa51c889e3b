# SPDX-License-Identifier: Apache-2.0
"""The accelerated strategy, for all grounds but `local` and `ssh`, which show that Ansible's own does it too."""

from __future__ import annotations

from typing import Any

FAST: dict[str, Any] = {"automation": {"policies": {"execution": {"strategy": "fast"}}}}
"""What an environment overrides for it."""
