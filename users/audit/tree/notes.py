"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint) as text. Nothing here signs or
verifies: users/audit/tree/signatures.py does.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from typing import NamedTuple

NOTE_TYPE = "text/plain; charset=utf-8"
ED25519 = 0x01
COSIGNATURE = 0x04
PUBLIC_KEY_SIZE = 32
MAX_NOTE_BYTES = 100_000
# The specification asks for at least 16.
MAX_SIGNATURES = 100
SIGNATURE_PREFIX = "— "
CONTROL_CHARACTER = re.compile(r"[\x00-\x09\x0b-\x1f]")
TREE_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteError(ValueError):
    """A text is no note, no checkpoint or no key; the message says why."""


class VKey(NamedTuple):
    """A verifier key: <name>+<key ID>+<base64 of type and public key>."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VKey":
        """Raises NoteError unless the text is the key of an Ed25519 signature or cosignature."""
        name, hexadecimal, material = split_key(text)
        key = cls(name, material[0], material[1:])
        if key.kind not in (ED25519, COSIGNATURE) or len(key.public) != PUBLIC_KEY_SIZE:
            raise NoteError("the key is not of a type that Rollcall knows")
        if key.key_id.hex() != hexadecimal:
            raise NoteError("the key ID does not belong to the key")
        return key

    @property
    def key_id(self) -> bytes:
        content = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return sha256(content).digest()[:4]

    def __str__(self) -> str:
        material = encode_base64(bytes([self.kind]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{material}"


class Signature(NamedTuple):
    """A line under a note."""

    name: str
    key_id: bytes
    content: bytes

    @classmethod
    def parse(cls, line: str) -> "Signature":
        name, space, encoded = line.removeprefix(SIGNATURE_PREFIX).partition(" ")
        if not line.startswith(SIGNATURE_PREFIX) or not space or not is_key_name(name):
            raise NoteError("a signature line is not well-formed")
        content = decode_base64(encoded)
        if len(content) < 5:
            raise NoteError("a signature is too short")
        return cls(name, content[:4], content[4:])

    def __str__(self) -> str:
        return f"{SIGNATURE_PREFIX}{self.name} {encode_base64(self.key_id + self.content)}\n"


class SignedNote(NamedTuple):
    """A text that ends in a newline, with its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, raw: str) -> "SignedNote":
        """Raises NoteError unless `raw` is a signed note."""
        if len(raw) > MAX_NOTE_BYTES or CONTROL_CHARACTER.search(raw):
            raise NoteError("the note is too long, or has control characters")
        text, gap, lines = raw.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise NoteError("the note has no signatures")
        signatures = parse_signatures(lines)
        return cls(text + "\n", signatures)

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


class CheckpointText(NamedTuple):
    """The text of a checkpoint: origin, size and root of a tree."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "CheckpointText":
        """Raises NoteError unless the text is that of a checkpoint."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise NoteError("a checkpoint has at least three lines")
        origin, size, root, *extensions = lines
        if not TREE_SIZE.fullmatch(size):
            raise NoteError("the size of the tree is not a number")
        decoded = decode_base64(root)
        if len(decoded) != 32:
            raise NoteError("the root is not a hash of 32 bytes")
        return cls(origin, int(size), decoded, tuple(extensions))

    def __str__(self) -> str:
        lines = [self.origin, str(self.size), encode_base64(self.root), *self.extensions]
        return "\n".join(lines) + "\n"


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Returns the signatures of lines that each end in a newline. Raises NoteError."""
    found = lines.split("\n")[:-1]
    if len(found) > MAX_SIGNATURES:
        raise NoteError("the note has too many signatures")
    return tuple(Signature.parse(line) for line in found)


def split_key(text: str) -> tuple[str, str, bytes]:
    """Returns name, key ID and key material of <name>+<key ID>+<base64>. Raises NoteError."""
    name, _, rest = text.partition("+")
    hexadecimal, plus, encoded = rest.partition("+")
    if not plus or not is_key_name(name) or not re.fullmatch(r"[0-9a-f]{8}", hexadecimal):
        raise NoteError("a key looks like name+0123abcd+base64")
    material = decode_base64(encoded)
    if not material:
        raise NoteError("the key is empty")
    return name, hexadecimal, material


def is_key_name(name: str) -> bool:
    """Returns whether a name may stand in keys and signatures: no space, no plus."""
    return bool(name) and "+" not in name and not any(map(str.isspace, name))


def encode_base64(data: bytes) -> str:
    return b64encode(data).decode()


def decode_base64(text: str) -> bytes:
    """Returns the bytes of the one standard encoding with padding. Raises NoteError."""
    try:
        decoded = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise NoteError("the text is not base64") from error
    if encode_base64(decoded) != text:
        raise NoteError("the text is not canonical base64")
    return decoded
