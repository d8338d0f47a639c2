"""The kinds of password hashes that can be stored, and their names in reports.

PASSWORD_HASHERS in site/password_settings.py lists the same hashers (a test compares them).
"""

from collections import Counter
from collections.abc import Iterable

from django.contrib.auth.hashers import is_password_usable

from users.passwords.exceptions import ForeignHashError
from users.passwords.hashers.bcrypt_hashes import BcryptHasher, BcryptSHA256Hasher, WordPressHasher
from users.passwords.hashers.bounded_hasher import BoundedHasher
from users.passwords.hashers.django_hashes import (
    Argon2Hasher,
    PBKDF2Hasher,
    PBKDF2SHA1Hasher,
    ScryptHasher,
)
from users.passwords.hashers.firebase_scrypt import FirebaseScryptHasher
from users.passwords.hashers.pbkdf2_hashes import KeycloakPBKDF2Hasher, PHCPBKDF2Hasher
from users.passwords.hashers.phpass_hashes import PHPassHasher

KEYCLOAK = KeycloakPBKDF2Hasher()
PHC = PHCPBKDF2Hasher()
FIREBASE = FirebaseScryptHasher()
ALL_HASHERS: tuple[BoundedHasher, ...] = (
    Argon2Hasher(),
    PBKDF2Hasher(),
    PBKDF2SHA1Hasher(),
    ScryptHasher(),
    BcryptSHA256Hasher(),
    BcryptHasher(),
    WordPressHasher(),
    KEYCLOAK,
    PHC,
    FIREBASE,
    PHPassHasher(),
)
HASHERS = {str(hasher.algorithm): hasher for hasher in ALL_HASHERS}
# Kinds without a hasher.
NO_PASSWORD = "no password"  # noqa: S105  no password
UNKNOWN_KIND = "unknown"


def check_hash(encoded: str) -> str:
    """Returns a hash that has Django’s form already. Raises ForeignHashError."""
    hasher = HASHERS.get(encoded.partition("$")[0])
    if hasher is None:
        raise ForeignHashError("Password hashes of this kind can’t be checked.")
    hasher.read_parts(encoded)
    return encoded


def hash_kind(encoded: str) -> str:
    """Returns the kind of a stored hash, as a report names it."""
    if not encoded or not is_password_usable(encoded):
        return NO_PASSWORD
    hasher = HASHERS.get(encoded.partition("$")[0])
    return hasher.label if hasher else UNKNOWN_KIND


def count_hash_kinds(encoded: Iterable[str]) -> Counter[str]:
    """Returns how many hashes there are of each kind."""
    return Counter(map(hash_kind, encoded))
