"""Turns the passwords of an import into hashes as Django stores them.

Such a hash is checked by the hasher of its kind, and replaced with Argon2 at the first sign-in
(users/password_hash.py).
"""

import re
from collections.abc import Callable

from django.contrib.auth.hashers import is_password_usable, make_password

from users.passwords.base64_text import read_base64
from users.passwords.exceptions import ForeignHashError
from users.passwords.firebase_hashes import (
    FirebaseParameters,
    encode_firebase_scrypt,
    read_fbscrypt,
    read_firebase_parameters,
)
from users.passwords.hash_registry import (
    NO_PASSWORD,
    PHC,
    UNKNOWN_KIND,
    check_hash,
    count_hash_kinds,
    hash_kind,
)
from users.passwords.keycloak_hashes import encode_keycloak, encode_keycloak_credential
from users.passwords.plain_passwords import hash_plain

# What imports need, from one module.
__all__ = [
    "NO_PASSWORD",
    "UNKNOWN_KIND",
    "FirebaseParameters",
    "ForeignHashError",
    "count_hash_kinds",
    "encode_firebase_scrypt",
    "encode_foreign_hash",
    "encode_keycloak",
    "encode_keycloak_credential",
    "hash_kind",
    "hash_plain",
    "read_firebase_parameters",
]

# A graphics card tries billions of passwords a second against one of these.
WEAK_DIGESTS = {
    "MD5": re.compile(r"[0-9a-f]{32}|(unsalted_)?md5\$.*|\$(1|apr1)\$.*|\{S?MD5\}.*", re.I),
    "SHA-1": re.compile(r"\*?[0-9a-f]{40}|(unsalted_)?sha1\$.*|\{S?SHA\}.*", re.I),
}


def encode_foreign_hash(text: str) -> str:
    """Returns the hash of a file as Django stores it. Raises ForeignHashError.

    It accepts what Django stores, the strings of bcrypt, Argon2, PBKDF2 (PHC and passlib), phpass
    and WordPress 6.8, and Supabase’s strings of Firebase hashes. An empty text, and the mark
    with which Django stores an unusable password, give an unusable one.
    """
    text = text.strip()
    if not text or not is_password_usable(text):
        return make_password(None)
    for prefix, reader in STRING_READERS.items():
        if text.startswith(prefix):
            return reader(text)
    for name, pattern in WEAK_DIGESTS.items():
        if pattern.fullmatch(text):
            raise ForeignHashError(f"{name} hashes are too weak to be stored.")
    return check_hash(text)


def read_phc_pbkdf2(text: str) -> str:
    """Reads `$pbkdf2-sha512$i=1000,l=64$salt$key` (PHC) and `$pbkdf2-sha512$1000$…` (passlib)."""
    match = re.fullmatch(
        r"\$pbkdf2(-(?P<digest>sha[0-9]{1,3}))?\$(i=)?(?P<iterations>[0-9]{1,9})(,l=[0-9]+)?"
        r"\$(?P<salt>[^$]+)\$(?P<key>[^$]+)",
        text,
    )
    if match is None:
        raise ForeignHashError("The PBKDF2 hash is incomplete or damaged.")
    return PHC.encode_key(
        match["digest"] or "sha1",
        int(match["iterations"]),
        salt=read_base64(match["salt"]),
        key=read_base64(match["key"]),
    )


STRING_READERS: dict[str, Callable[[str], str]] = {
    "$2": lambda text: check_hash(f"bcrypt${text}"),
    "$wp$2": lambda text: check_hash(f"wordpress_bcrypt${text.removeprefix('$wp')}"),
    "$argon2": lambda text: check_hash(f"argon2{text}"),
    "$P$": lambda text: check_hash(f"phpass${text}"),
    "$H$": lambda text: check_hash(f"phpass${text}"),
    "$pbkdf2": read_phc_pbkdf2,
    "$fbscrypt$": read_fbscrypt,
}
