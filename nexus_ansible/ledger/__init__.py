# SPDX-License-Identifier: Apache-2.0
"""The ledger: what ran, in a signed Merkle tree log that anyone can verify offline.

The format is written down in `docs/reference/ledger-format.md`. Names are imported when they are used: a run that only
appends need not load what verifies.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexus_ansible.ledger.erasure import expired
    from nexus_ansible.ledger.formats import export
    from nexus_ansible.ledger.keys import KeyFiles
    from nexus_ansible.ledger.ledger import Ledger
    from nexus_ansible.ledger.proof import prove, verify_proof
    from nexus_ansible.ledger.query import Query, QueryError, Selected, select
    from nexus_ansible.ledger.reading import payload, read
    from nexus_ansible.ledger.records import Moment, Record, RecordError
    from nexus_ansible.ledger.snapshot import Entry
    from nexus_ansible.ledger.verdict import verify
    from nexus_ansible.ledger.verification import LedgerProblem, Verification

_HOMES = {
    "Entry": "snapshot",
    "KeyFiles": "keys",
    "Ledger": "ledger",
    "LedgerProblem": "verification",
    "Moment": "records",
    "Query": "query",
    "QueryError": "query",
    "Record": "records",
    "RecordError": "records",
    "Selected": "query",
    "Verification": "verification",
    "expired": "erasure",
    "export": "formats",
    "payload": "reading",
    "prove": "proof",
    "read": "reading",
    "select": "query",
    "verify": "verdict",
    "verify_proof": "proof",
}

__all__ = [
    "Entry",
    "KeyFiles",
    "Ledger",
    "LedgerProblem",
    "Moment",
    "Query",
    "QueryError",
    "Record",
    "RecordError",
    "Selected",
    "Verification",
    "expired",
    "export",
    "payload",
    "prove",
    "read",
    "select",
    "verify",
    "verify_proof",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
