"""Signs and verifies notes with Ed25519: a log its checkpoints, and a witness those of logs (C2SP
signed-note and tlog-cosignature).
"""

from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from users.audit.tree.notes import (
    COSIGNATURE,
    ED25519,
    NoteError,
    Signature,
    SignedNote,
    VKey,
    encode_base64,
    split_key,
)

SIGNATURE_SIZE = 64
TIMESTAMP_SIZE = 8
SEED_SIZE = 32
SIGNING_KEY_PREFIX = "PRIVATE+KEY+"


class SigningKey(NamedTuple):
    """A private key, as text PRIVATE+KEY+<name>+<key ID>+<base64 of type and seed>, as Go's package
    sumdb/note writes it.
    """

    verifier: VKey
    private: Ed25519PrivateKey

    @classmethod
    def generate(
        cls,
        name: str,
        kind: int = ED25519,
    ) -> "SigningKey":
        return cls.from_private(name, kind, Ed25519PrivateKey.generate())

    @classmethod
    def from_private(
        cls,
        name: str,
        kind: int,
        private: Ed25519PrivateKey,
    ) -> "SigningKey":
        public = private.public_key().public_bytes_raw()
        return cls(VKey(name, kind, public), private)

    @classmethod
    def parse(cls, text: str) -> "SigningKey":
        """Raises NoteError unless the text is a private key. The message does not repeat it."""
        if not text.startswith(SIGNING_KEY_PREFIX):
            raise NoteError(f"a private key begins with {SIGNING_KEY_PREFIX}")
        name, hexadecimal, material = split_key(text.removeprefix(SIGNING_KEY_PREFIX))
        if material[0] not in (ED25519, COSIGNATURE) or len(material) != 1 + SEED_SIZE:
            raise NoteError("the private key is not of a type that Rollcall knows")
        private = Ed25519PrivateKey.from_private_bytes(material[1:])
        key = cls.from_private(name, material[0], private)
        if key.verifier.key_id.hex() != hexadecimal:
            raise NoteError("the key ID does not belong to the private key")
        return key

    def secret_text(self) -> str:
        """Returns the private key as text."""
        material = bytes([self.verifier.kind]) + self.private.private_bytes_raw()
        name, key_id = self.verifier.name, self.verifier.key_id.hex()
        return f"{SIGNING_KEY_PREFIX}{name}+{key_id}+{encode_base64(material)}"

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"

    def sign_text(self, text: str) -> Signature:
        """Returns the signature of a note."""
        content = self.private.sign(text.encode())
        return Signature(self.verifier.name, self.verifier.key_id, content)

    def cosign_text(self, text: str, seconds: int) -> Signature:
        """Returns the cosignature of a checkpoint at a time in seconds since 1970."""
        signed = self.private.sign(cosigned_message(text, seconds))
        content = seconds.to_bytes(TIMESTAMP_SIZE, "big") + signed
        return Signature(self.verifier.name, self.verifier.key_id, content)


def cosigned_message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def is_valid_signature(
    key: VKey,
    text: str,
    signature: Signature,
) -> bool:
    """Returns whether the signature is that of the key under a note, or under a checkpoint."""
    content = signature.content
    message = text.encode()
    if key.kind == COSIGNATURE:
        seconds = int.from_bytes(content[:TIMESTAMP_SIZE], "big")
        content = content[TIMESTAMP_SIZE:]
        message = cosigned_message(text, seconds)
    if len(content) != SIGNATURE_SIZE:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(content, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def note_signers(note: SignedNote, keys: Iterable[VKey]) -> list[VKey]:
    """Returns those of `keys` whose signature of the note is valid. Others are ignored.

    Raises NoteError if a signature has the name and ID of one of the keys and is not valid.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found = []
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not is_valid_signature(key, note.text, signature):
            raise NoteError(f"the signature of key {key.key_id.hex()} is not valid")
        if key not in found:
            found.append(key)
    return found
