"""The base of all hashers: a strict form, limits of cost, and no exception at sign-in."""

import re
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher, make_password
from django.utils.crypto import constant_time_compare, get_random_string

from users.passwords.base64_text import read_base64, write_base64
from users.passwords.cost_limits import HASH_LENGTH
from users.passwords.exceptions import ForeignHashError

# Parts of the patterns of stored hashes.
BASE64 = r"[A-Za-z0-9+/]+"
NUMBER = r"[0-9]{1,9}"


class BoundedHasher(BasePasswordHasher):
    """Checks hashes of a strict form and a limited cost. Any other one matches no password."""

    algorithm: str
    label: str
    pattern: re.Pattern[str]

    def check_limits(self, parts: dict[str, str]) -> None:
        """Raises ForeignHashError if the hash costs too much."""
        raise NotImplementedError

    def read_parts(self, encoded: str) -> dict[str, str]:
        """Returns the groups of the pattern. Raises ForeignHashError."""
        if len(encoded) > HASH_LENGTH:
            raise ForeignHashError(f"The {self.label} hash is too long to store.")
        match = self.pattern.fullmatch(encoded)
        if match is None:
            raise ForeignHashError(f"The {self.label} hash is incomplete or damaged.")
        parts = match.groupdict()
        self.check_limits(parts)
        return parts

    def decode(self, encoded: str) -> Any:
        self.read_parts(encoded)
        return super().decode(encoded)

    def verify(self, password: str, encoded: str) -> bool:
        try:
            self.read_parts(encoded)
            return self.matches_password(password, encoded)
        except (ValueError, OverflowError, MemoryError):
            # As Django does for hashes of unknown kinds: the response takes its usual time.
            make_password(get_random_string(20))
            return False

    def matches_password(self, password: str, encoded: str) -> bool:
        return super().verify(password, encoded)

    def must_update(self, encoded: str) -> bool:
        try:
            return super().must_update(encoded)
        except ForeignHashError:
            return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Does nothing: Django calls it only for the first hasher, and Argon2 has none."""


class ForeignHasher(BoundedHasher):
    """Checks hashes of another system, and encodes none: they are replaced at the first sign-in.

    The stored key may be the beginning of the one in the file.
    """

    def decode(self, encoded: str) -> dict[str, str]:
        return self.read_parts(encoded)

    def matches_password(self, password: str, encoded: str) -> bool:
        parts = self.read_parts(encoded)
        stored = read_base64(parts["key"])
        key = self.derive_key(password.encode(), parts, len(stored))
        return constant_time_compare(key, stored)

    def derive_key(self, password: bytes, parts: dict[str, str], length: int) -> bytes:
        raise NotImplementedError

    def compose(self, *parts: str | int | bytes) -> str:
        """Returns the hash as it is stored. Raises ForeignHashError if it can’t be checked."""
        encoded = "$".join([self.algorithm, *map(hash_part_text, parts)])
        self.read_parts(encoded)
        return encoded


def hash_part_text(part: str | int | bytes) -> str:
    return write_base64(part) if isinstance(part, bytes) else str(part)
