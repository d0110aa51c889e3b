# SPDX-License-Identifier: Apache-2.0
"""The roles, applied by plain ansible-playbook to projects made for the purpose."""

from __future__ import annotations
