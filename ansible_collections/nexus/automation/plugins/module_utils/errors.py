# SPDX-License-Identifier: Apache-2.0
"""The error every adapter and module of the collection raises for what it can explain."""

from __future__ import annotations


class AdapterError(Exception):
    """A failure whose message says where, what, and what to do."""


class UnreachableError(AdapterError):
    """A daemon does not answer, maybe because it does not run yet."""
