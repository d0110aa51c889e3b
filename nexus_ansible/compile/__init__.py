# SPDX-License-Identifier: Apache-2.0
"""A platform to text: playbooks and inventories. Pure; only write.py touches the disk."""

from __future__ import annotations
