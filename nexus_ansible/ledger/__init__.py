# SPDX-License-Identifier: Apache-2.0
"""The ledger: what ran, in a signed Merkle tree log that anyone can verify offline.

The format is written down in `docs/reference/ledger-format.md`.
"""

from __future__ import annotations

from nexus_ansible.ledger.erasure import expired
from nexus_ansible.ledger.export import export
from nexus_ansible.ledger.group import GroupCommit
from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.ledger import Ledger
from nexus_ansible.ledger.proof import prove, verify_proof
from nexus_ansible.ledger.query import Query, QueryError, Selected, select
from nexus_ansible.ledger.reading import payload, read
from nexus_ansible.ledger.records import Moment, Record, RecordError
from nexus_ansible.ledger.snapshot import Entry
from nexus_ansible.ledger.verification import LedgerProblem, Verification
from nexus_ansible.ledger.verify import verify

__all__ = [
    "Entry",
    "GroupCommit",
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
