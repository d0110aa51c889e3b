# SPDX-License-Identifier: Apache-2.0
"""The check of a whole ledger: signature, tree, records, payloads, and what was seen of it before."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger.checks import RecordChecks
from nexus_ansible.ledger.keys import KeyFiles
from nexus_ansible.ledger.note import NoteError, Verifier, parse_vkey
from nexus_ansible.ledger.payload_check import PayloadCheck
from nexus_ansible.ledger.ranges import IndexRanges
from nexus_ansible.ledger.records import ERASED
from nexus_ansible.ledger.snapshot import Snapshot, take_snapshot
from nexus_ansible.ledger.stray import stray_files
from nexus_ansible.ledger.tiles import WIDTH
from nexus_ansible.ledger.tree_check import TAIL, TreeCheck
from nexus_ansible.ledger.verification import LedgerProblem, Verification
from nexus_ansible.ledger.witness import (
    Seen,
    contradiction,
    default_place,
    load_seen,
    replaced,
    rewriting,
    save_seen,
    seen_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_PROBLEMS = 1000
"""Problems listed one by one; a count stands for the rest."""

_KEY_LOST = "Restore the file from a backup."


def verify(
    directory: Path, *, vkey: str | None = None, witness: Path | None = None, keys: KeyFiles | None = None
) -> Verification:
    """Check every byte of a ledger and return the verdict; it changes nothing but the witness, and that if all is well.

    `vkey` is the public key to trust; without it, that of the witness is, then `key.pub`. `witness` is the directory
    of witness files (default: `$XDG_STATE_HOME/nexus-ansible/witness`).
    """
    keys = keys or KeyFiles.within(directory)
    place = witness or default_place()
    problems = [_whole(problem) for problem in _key_problems(keys)]
    try:
        seen, trusted = _trusted_key(place, keys, vkey)
        snapshot = take_snapshot(directory, trusted)
        if keys.verifier() != trusted:
            problems.append(_whole(f"{keys.public} is not the trusted key {trusted.vkey}. {_KEY_LOST}"))
        return _Check(directory, keys, snapshot, trusted, problems).verdict(place, seen)
    except LedgerIntegrityError as error:
        problems.append(_whole(str(error)))
    except OSError as error:
        problems.append(_whole(f"{error.filename}: {error.strerror}"))
    return Verification(directory, problems=tuple(dict.fromkeys(problems)))


@dataclass
class _Check:
    directory: Path
    keys: KeyFiles
    snapshot: Snapshot
    trusted: Verifier
    problems: list[LedgerProblem]

    def verdict(self, place: Path, seen: Seen | None) -> Verification:
        tree, records, payloads = self._read_all()
        found = list(tree.problems())
        found += [*self._seen_problem(seen, found, seen_path(place, self.trusted.name)), *self._stray_problems()]
        named = {problem.index for problem in found}
        rest = [*records.problems, *records.clock_steps.values()]
        if payloads:
            rest += [
                *payloads.problems,
                *payloads.unexplained(IndexRanges.union([*records.erased, *self._erased_since()])),
            ]
        self.problems += sorted(
            found + [problem for problem in rest if problem.index not in named],
            key=lambda problem: -1 if problem.index is None else problem.index,
        )
        if not self.problems:
            self._remember(place)
        return Verification(
            self.directory,
            self.trusted.name,
            self.trusted.vkey,
            self.snapshot.size,
            self.snapshot.checkpoint.root.hex(),
            records.last_time,
            _capped(self.problems),
            tuple(records.accepted),
            len(payloads.present) if payloads else 0,
            len(payloads.absent) if payloads else 0,
            tuple(records.open_runs),
            tuple(self._notices(place)),
            seen is not None,
        )

    def _read_all(self) -> tuple[TreeCheck, RecordChecks, PayloadCheck | None]:
        tree, records, payloads = TreeCheck(self.snapshot), RecordChecks(), self._payload_check()
        for bundle in range(self.snapshot.bundles):
            leaves, hashes, good = tree.read(bundle)
            if not good:
                records.skip()
            parsed = [records.check(index, leaf) for index, leaf in enumerate(leaves, bundle * WIDTH)] if good else []
            if payloads and good:
                payloads.check(bundle, parsed, hashes)
        return tree, records, payloads

    def _payload_check(self) -> PayloadCheck | None:
        try:
            return PayloadCheck(self.snapshot, self.keys.cipher())
        except LedgerIntegrityError:
            return None  # named by _key_problems

    def _seen_problem(self, seen: Seen | None, tree: list[LedgerProblem], path: Path) -> list[LedgerProblem]:
        """Compare with the witness; a damaged tree proves nothing about earlier records."""
        if seen is None:
            return []
        found = contradiction(seen, self.snapshot.checkpoint, self.trusted.vkey)
        if found is None and not tree:
            found = rewriting(seen, self.snapshot)
        hint = f"Restore the ledger from a backup. If this was done on purpose, delete {path}."
        return [replace(found, hint=hint)] if found else []

    def _stray_problems(self) -> Iterator[LedgerProblem]:
        for path in stray_files(self.directory, self.snapshot.size, self.trusted):
            yield LedgerProblem(None, None, f"{self.directory / path} is no file of this ledger", TAIL)

    def _erased_since(self) -> Iterator[IndexRanges]:
        """Read what a writer erased while this check was reading."""
        snapshot = take_snapshot(self.directory, self.trusted)
        later = snapshot.entries(self.snapshot.size) if snapshot.size > self.snapshot.size else ()
        for entry in later:
            if entry.record.get("kind") == ERASED:
                yield IndexRanges.parse(entry.record["indices"])

    def _remember(self, place: Path) -> None:
        with suppress(OSError):  # whoever verifies may have no place of their own to write to
            seen = Seen(str(self.directory.resolve()), self.trusted.vkey, self.snapshot.note)
            save_seen(seen_path(place, self.trusted.name), seen)

    def _notices(self, place: Path) -> Iterator[str]:
        for seen in replaced(place, self.trusted.name, self.directory):
            head = seen.head()
            yield f"{self.directory} held another ledger before, {head.origin} with {head.size} records"


def _trusted_key(place: Path, keys: KeyFiles, vkey: str | None) -> tuple[Seen | None, Verifier]:
    try:
        trusted = parse_vkey(vkey) if vkey else keys.verifier()
    except NoteError as error:
        raise LedgerIntegrityError(f"the key {vkey}: {error}. Give the text of the ledger's key.pub.") from None
    try:
        seen = load_seen(place, trusted.name)
    except NoteError as error:
        path = seen_path(place, trusted.name)
        raise LedgerIntegrityError(
            f"{path}: {error}. Restore the file, or delete it to trust the ledger as it is."
        ) from None
    return seen, parse_vkey(seen.vkey) if seen and not vkey else trusted


def _key_problems(keys: KeyFiles) -> Iterator[str]:
    """Yield what is wrong with the key files; a copy of the ledger for an auditor may lack the private one."""
    checks = [keys.verifier, keys.cipher]
    if keys.private.exists():
        checks.append(keys.signer)
    for check in checks:
        try:
            check()
        except LedgerIntegrityError as error:
            yield str(error)


def _whole(what: str) -> LedgerProblem:
    text, _, hint = what.partition(". ")
    return LedgerProblem(None, None, text, hint)


def _capped(problems: list[LedgerProblem]) -> tuple[LedgerProblem, ...]:
    if len(problems) <= MAX_PROBLEMS:
        return tuple(problems)
    more = LedgerProblem(None, None, f"{len(problems) - MAX_PROBLEMS} more problems", "Mend these first.")
    return (*problems[:MAX_PROBLEMS], more)
