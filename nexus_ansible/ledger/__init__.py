# SPDX-License-Identifier: Apache-2.0
"""The ledger: what ran, in a signed Merkle tree log that anyone can verify offline.

The format is written down in `docs/reference/ledger-format.md`.
"""

from __future__ import annotations

from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.ledger import Ledger
from nexus_ansible.ledger.proof import prove, verify_proof
from nexus_ansible.ledger.reading import payload, read
from nexus_ansible.ledger.records import Moment, Record, RecordError
from nexus_ansible.ledger.snapshot import Entry

__all__ = [
    "Entry",
    "KeyFiles",
    "Ledger",
    "Moment",
    "Record",
    "RecordError",
    "payload",
    "prove",
    "read",
    "verify_proof",
]
