# SPDX-License-Identifier: Apache-2.0
"""The error tree. Only `nexus_ansible.cli.main` catches these and turns them into a message and an exit code."""

from __future__ import annotations

from typing import ClassVar


class NexusError(Exception):
    """A failure whose message says where, what, and what to do.

    `exit_code` is what the command line ends with; the codes are listed in `docs/reference/exit-codes.md`.
    """

    exit_code: ClassVar[int] = 1


class OutputError(NexusError):
    """Standard output does not take the result."""


class RegistryError(NexusError):
    """The registries cannot be read or contradict themselves."""

    exit_code = 4


class DriftError(NexusError):
    """A compiled file differs from what the registries say, or a plan no longer fits them."""

    exit_code = 5


class RunError(NexusError):
    """A run ended, and not well."""

    exit_code = 6


class RefusedError(NexusError):
    """Policy, permission, approval, a lock, a missing secret or a preflight check stopped a run before it began."""

    exit_code = 7


class RunTimeoutError(NexusError):
    """A run reached its time limit."""

    exit_code = 8


class LedgerIntegrityError(NexusError):
    """The ledger was edited, reordered, cut off, forged, or cannot be written."""

    exit_code = 9


class LedgerCompletenessError(NexusError):
    """The ledger is intact, but lacks what should have run or ended."""

    exit_code = 10
