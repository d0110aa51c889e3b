# SPDX-License-Identifier: Apache-2.0
"""Faults and bad input as a user meets them: the installed command, in projects of its own."""

from __future__ import annotations
