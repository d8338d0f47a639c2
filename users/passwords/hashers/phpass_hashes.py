"""phpass, the portable hashes of WordPress before 6.8 and of phpBB: MD5, repeated."""

import hashlib
import re

from django.utils.crypto import constant_time_compare

from users.passwords.cost_limits import PHPASS_ROUNDS, check_cost
from users.passwords.hashers.bounded_hasher import ForeignHasher

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class PHPassHasher(ForeignHasher):
    algorithm = "phpass"
    label = "phpass"
    pattern = re.compile(
        r"phpass\$\$[PH]\$(?P<rounds>[5-9A-S])(?P<salt>[./0-9A-Za-z]{8})(?P<key>[./0-9A-Za-z]{22})"
    )

    def check_limits(self, parts: dict[str, str]) -> None:
        check_cost(self.label, (ALPHABET.index(parts["rounds"]), PHPASS_ROUNDS))

    def matches_password(self, password: str, encoded: str) -> bool:
        parts = self.read_parts(encoded)
        digest = self.derive_key(password.encode(), parts, 16)
        return constant_time_compare(phpass_base64(digest), parts["key"])

    def derive_key(self, password: bytes, parts: dict[str, str], length: int) -> bytes:
        digest = hashlib.md5(parts["salt"].encode() + password, usedforsecurity=False).digest()
        for _ in range(2 ** ALPHABET.index(parts["rounds"])):
            digest = hashlib.md5(digest + password, usedforsecurity=False).digest()
        return digest[:length]


def phpass_base64(data: bytes) -> str:
    """Returns data in the base64 of crypt(3): three bytes are four digits, the lowest first."""
    text = ""
    for start in range(0, len(data), 3):
        chunk = data[start : start + 3]
        number = int.from_bytes(chunk, "little")
        for digit in range(len(chunk) + 1):
            text += ALPHABET[number >> 6 * digit & 63]
    return text
