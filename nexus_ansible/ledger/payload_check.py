# SPDX-License-Identifier: Apache-2.0
"""Whether every payload is the one its leaf has the digest of, or was erased on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from nexus_ansible.ledger.comparison import RESTORE
from nexus_ansible.ledger.payloads import FRAME_PREFIX, decrypt_frame, payload_path
from nexus_ansible.ledger.ranges import IndexRanges
from nexus_ansible.ledger.tiles import WIDTH, split_prefixed
from nexus_ansible.ledger.verification import LedgerProblem, describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from nexus_ansible.ledger.snapshot import Snapshot

_AGAIN = "The erasure was interrupted: erase it again."


@dataclass
class PayloadCheck:
    """Takes the records of one bundle after the other with their payload frames."""

    snapshot: Snapshot
    cipher: AESGCM
    present: IndexRanges = field(default_factory=IndexRanges)
    absent: IndexRanges = field(default_factory=IndexRanges)
    problems: list[LedgerProblem] = field(default_factory=list)

    def check(self, bundle: int, records: Sequence[Mapping[str, Any] | None], hashes: Sequence[bytes]) -> None:
        """Check the payloads of a bundle's records, None for those that are no records."""
        start = bundle * WIDTH
        data = self.snapshot.file(payload_path(bundle))
        frames, taken = split_prefixed(data, FRAME_PREFIX, self.snapshot.width(bundle))
        for place, (record, hashed, frame) in enumerate(zip(records, hashes, frames, strict=False)):
            if record is not None:
                self._check_frame(start + place, record, hashed, frame)
        if len(frames) < len(records):
            self._check_rest(start + len(frames), records[len(frames) :], len(data) - taken)
        elif taken < len(data):
            what = f"{len(data) - taken} bytes follow the last payload in {payload_path(bundle)}"
            self.problems.append(LedgerProblem(start + len(records), None, what, RESTORE))

    def unexplained(self, erased: IndexRanges) -> Iterator[LedgerProblem]:
        """Yield the payloads that are gone without a record of it, and those that are there in spite of one."""
        for index in self.absent:
            if index not in erased:
                what = f"the payload of record {index} is gone, and no record says that it was erased"
                yield LedgerProblem(index, None, what, RESTORE)
        for index in erased:
            if index in self.present:
                what = f"the payload of record {index} is there, though recorded as erased"
                yield LedgerProblem(index, None, what, _AGAIN)

    def _check_frame(self, index: int, record: Mapping[str, Any], hashed: bytes, frame: bytes) -> None:
        digest = record.get("payload")
        if digest is None:
            if frame:
                self._add(index, record, "has a payload, but its leaf has no digest of one")
        elif not frame:
            self.absent.add(index)
        else:
            plaintext = decrypt_frame(self.cipher, index, hashed, frame)
            if plaintext is None or sha256(plaintext).hexdigest() != digest:
                self._add(index, record, "and its payload do not belong together: one of them was changed")
            self.present.add(index)

    def _check_rest(self, start: int, records: Sequence[Mapping[str, Any] | None], unreadable: int) -> None:
        if unreadable:
            what = f"the payloads of the records {start} to {start + len(records) - 1} cannot be read"
            self.problems.append(LedgerProblem(start, None, what, RESTORE))
            return
        for index, record in enumerate(records, start):
            if record and record.get("payload") is not None:
                self.absent.add(index)

    def _add(self, index: int, record: Mapping[str, Any], what: str) -> None:
        self.problems.append(LedgerProblem(index, record.get("run"), f"{describe(index, record)} {what}", RESTORE))
