# SPDX-License-Identifier: Apache-2.0
"""The three key files of a ledger: where they lie, how they are made and read."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from nexus_ansible.errors import LedgerIntegrityError
from nexus_ansible.ledger.files import write_durably
from nexus_ansible.ledger.note import NoteError, Signer, Verifier, decode_base64, parse_skey, parse_vkey

if TYPE_CHECKING:
    from pathlib import Path

_PAYLOAD_KEY = "NEXUS-LEDGER-PAYLOAD-KEY"
_RESTORE = "Restore the file from a backup."


@dataclass(frozen=True)
class KeyFiles:
    """Where the keys lie. The private and the payload key belong in a safe place when the ledger is copied away."""

    private: Path
    public: Path
    payload: Path

    @classmethod
    def within(cls, directory: Path) -> KeyFiles:
        """Return the default places: in the ledger's own directory."""
        return cls(directory / "key", directory / "key.pub", directory / "payload.key")

    def signer(self) -> Signer:
        """Read the signing key. Raises LedgerIntegrityError, also when it does not fit the public key."""
        try:
            signer = parse_skey(_read(self.private))
        except NoteError as error:
            raise LedgerIntegrityError(f"{self.private}: {error}. {_RESTORE}") from None
        if signer.verifier != self.verifier():
            raise LedgerIntegrityError(f"{self.private} is not the private half of {self.public}. {_RESTORE}")
        return signer

    def verifier(self) -> Verifier:
        """Read the public key. Raises LedgerIntegrityError."""
        try:
            return parse_vkey(_read(self.public))
        except NoteError as error:
            raise LedgerIntegrityError(f"{self.public}: {error}. {_RESTORE}") from None

    def cipher(self) -> AESGCM:
        """Read the payload key. Raises LedgerIntegrityError."""
        text = _read(self.payload)
        try:
            key = decode_base64(text.split("+", 2)[-1])
        except NoteError as error:
            raise LedgerIntegrityError(f"{self.payload}: {error}. {_RESTORE}") from None
        if len(key) != 32 or _payload_key_text(key) != text:
            raise LedgerIntegrityError(f"{self.payload} does not fit its own checksum. {_RESTORE}")
        return AESGCM(key)


def create_keys(files: KeyFiles) -> None:
    """Make the keys and a new origin, keeping what an interrupted creation left. Raises OSError."""
    if not files.private.exists():
        signer = Signer(f"nexus-ansible/{secrets.token_hex(8)}", Ed25519PrivateKey.generate())
        _write(files.private, signer.skey, 0o600)
    _write(files.public, parse_skey(_read(files.private)).verifier.vkey, 0o644)
    if not files.payload.exists():
        _write(files.payload, _payload_key_text(secrets.token_bytes(32)), 0o600)


def _payload_key_text(key: bytes) -> str:
    return f"{_PAYLOAD_KEY}+{sha256(key).hexdigest()[:8]}+{base64.b64encode(key).decode()}"


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerIntegrityError(f"{path} cannot be read: {error}. {_RESTORE}") from None
    if not text.endswith("\n"):
        raise LedgerIntegrityError(f"{path} is damaged: its last newline is gone. {_RESTORE}")
    return text.removesuffix("\n")


def _write(path: Path, text: str, mode: int) -> None:
    write_durably(path, f"{text}\n".encode(), mode)
