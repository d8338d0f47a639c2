"""PBKDF2 with a binary salt and any digest: Keycloak’s, and the strings of PHC and passlib.

Django’s own PBKDF2 has a salt of text.
"""

import hashlib
import re

from users.passwords.base64_text import read_base64
from users.passwords.cost_limits import PBKDF2_ITERATIONS, check_cost
from users.passwords.exceptions import ForeignHashError
from users.passwords.hashers.bounded_hasher import BASE64, NUMBER, ForeignHasher

DIGEST_SIZES = {
    "sha1": 20,
    "sha256": 32,
    "sha512": 64,
}
PARTS = (
    rf"\$(?P<digest>{'|'.join(DIGEST_SIZES)})\$(?P<iterations>{NUMBER})"
    rf"\$(?P<salt>{BASE64})\$(?P<key>{BASE64})"
)
# Bytes of the key: fewer say too little about the password, more are not stored.
KEY_MIN = 16
KEY_MAX = 32


class PHCPBKDF2Hasher(ForeignHasher):
    algorithm = "phc_pbkdf2"
    label = "PBKDF2"
    pattern = re.compile(rf"phc_pbkdf2{PARTS}")

    def check_limits(self, parts: dict[str, str]) -> None:
        check_cost(self.label, (int(parts["iterations"]), PBKDF2_ITERATIONS))

    def derive_key(self, password: bytes, parts: dict[str, str], length: int) -> bytes:
        salt = read_base64(parts["salt"])
        iterations = int(parts["iterations"])
        return hashlib.pbkdf2_hmac(parts["digest"], password, salt, iterations, length)

    def encode_key(self, digest: str, iterations: int, salt: bytes, key: bytes) -> str:
        """Returns the hash as it is stored. Raises ForeignHashError.

        PBKDF2 computes each block of the key by itself (RFC 8018, section 5.2), so the first one
        is enough, fits into the column and is checked in a fraction of the time: Keycloak
        stored two blocks for years.
        """
        size = DIGEST_SIZES.get(digest)
        if size is None or len(key) < KEY_MIN:
            raise ForeignHashError(f"The {self.label} hash is incomplete or damaged.")
        return self.compose(digest, iterations, salt, key[: min(KEY_MAX, size)])


class KeycloakPBKDF2Hasher(PHCPBKDF2Hasher):
    algorithm = "keycloak_pbkdf2"
    label = "Keycloak PBKDF2"
    pattern = re.compile(rf"keycloak_pbkdf2{PARTS}")
