# SPDX-License-Identifier: Apache-2.0
"""Ed25519 keys and signed notes as C2SP signed-note (https://c2sp.org/signed-note) defines them.

Everything is parsed strictly: a text is accepted only if writing it again gives the same bytes, so that no bit of
it can change unnoticed.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"


class NoteError(ValueError):
    """A key or a note is malformed, or no signature of the expected key is on it."""


@dataclass(frozen=True)
class Verifier:
    """A public key with the name it signs under."""

    name: str
    public: bytes

    @cached_property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || newline || 0x01 || public key)."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @cached_property
    def vkey(self) -> str:
        """The verifier key as text: `<name>+<key id in hex>+<base64 of 0x01 and the public key>`."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"

    def verify(self, note: str) -> str:
        """Return the text of a note this key signed, its final newline included.

        Raises NoteError when the note is malformed, or this key's signature is absent or wrong.
        """
        text, signatures = _split_note(note)
        for name, blob in signatures:
            if name == self.name and blob[:4] == self.key_id:
                try:
                    Ed25519PublicKey.from_public_bytes(self.public).verify(blob[4:], text.encode())
                except InvalidSignature:
                    raise NoteError(f"the signature of {name} does not fit the text") from None
                return text
        signers = ", ".join(f"{name}+{blob[:4].hex()}" for name, blob in signatures)
        raise NoteError(f"it is not signed by {self.name}+{self.key_id.hex()} but by {signers}")


@dataclass(frozen=True)
class Signer:
    """A private key with the name it signs under."""

    name: str
    private: Ed25519PrivateKey

    @cached_property
    def verifier(self) -> Verifier:
        """The public half."""
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    @property
    def skey(self) -> str:
        """The private key as text, the form of Go's `sumdb/note`: `PRIVATE+KEY+<name>+<key id>+<base64>`."""
        seed = base64.b64encode(ED25519 + self.private.private_bytes_raw()).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{seed}"

    def sign(self, text: str) -> str:
        """Return `text`, which ends in a newline, as a note with one signature."""
        blob = self.verifier.key_id + self.private.sign(text.encode())
        return f"{text}\n\u2014 {self.name} {base64.b64encode(blob).decode()}\n"


def parse_vkey(vkey: str) -> Verifier:
    """Return the verifier a vkey text describes. Raises NoteError."""
    verifier = Verifier(*_parse_key(vkey))
    if verifier.vkey != vkey:
        raise NoteError("the public key does not fit its own key id")
    return verifier


def parse_skey(skey: str) -> Signer:
    """Return the signer a private key text describes. Raises NoteError."""
    if not skey.startswith(_PRIVATE):
        raise NoteError(f"a private key begins with {_PRIVATE}")
    name, seed = _parse_key(skey.removeprefix(_PRIVATE))
    signer = Signer(name, Ed25519PrivateKey.from_private_bytes(seed))
    if signer.skey != skey:
        raise NoteError("the private key does not fit its own key id")
    return signer


def decode_base64(text: str) -> bytes:
    """Decode standard base64 and refuse any text that the same bytes would not be written as. Raises NoteError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("a part is not base64") from None
    if base64.b64encode(data).decode() != text:
        raise NoteError("a part is not canonical base64")
    return data


def _parse_key(text: str) -> tuple[str, bytes]:
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    data = decode_base64(encoded)
    if not name or len(key_id) != 8 or data[:1] != ED25519 or len(data) != 33:
        raise NoteError("a key reads <name>+<8 hex digits>+<base64 of 0x01 and 32 bytes>")
    return name, data[1:]


def _split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    body, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise NoteError("it is not a signed note: text, empty line, signatures")
    return f"{body}\n", [_parse_signature(line) for line in tail.removesuffix("\n").split("\n")]


def _parse_signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    blob = decode_base64(encoded)
    if dash != "\u2014" or not name or len(blob) < 5:
        raise NoteError("a signature line is malformed")
    return name, blob
