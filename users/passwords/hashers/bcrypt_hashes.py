"""bcrypt: plain, after a SHA-256 as Django writes it, and after an HMAC as WordPress 6.8 does."""

import base64
import hmac
import re
from typing import Any

from django.contrib.auth import hashers

from users.passwords.cost_limits import BCRYPT_ROUNDS, check_cost
from users.passwords.hashers.bounded_hasher import BoundedHasher

# The prefixes mark bug fixes of different implementations: all three are computed alike. The salt
# has 16 bytes, so its last digit is one of four.
BCRYPT = r"\$2[aby]\$(?P<rounds>[0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}"
# bcrypt reads no more than this of a password, and the library refuses longer ones.
PASSWORD_BYTES = 72


class BcryptSHA256Hasher(BoundedHasher, hashers.BCryptSHA256PasswordHasher):
    label = "Django bcrypt"
    pattern = re.compile(rf"bcrypt_sha256\${BCRYPT}")

    def check_limits(self, parts: dict[str, str]) -> None:
        check_cost(self.label, (int(parts["rounds"]), BCRYPT_ROUNDS))


class BcryptHasher(BoundedHasher, hashers.BCryptPasswordHasher):
    label = "bcrypt"
    pattern = re.compile(rf"bcrypt\${BCRYPT}")

    def check_limits(self, parts: dict[str, str]) -> None:
        check_cost(self.label, (int(parts["rounds"]), BCRYPT_ROUNDS))

    def encode(self, password: str, salt: Any) -> str:
        # Few sites have such hashes, and every process loads the hashers.
        import bcrypt

        secret = self.prepare(password.encode())
        data = bcrypt.hashpw(secret[:PASSWORD_BYTES], salt)
        return f"{self.algorithm}${data.decode('ascii')}"

    def prepare(self, password: bytes) -> bytes:
        return password


class WordPressHasher(BcryptHasher):
    """Checks hashes of WordPress 6.8 and newer, without their prefix "$wp".

    WordPress trims a password first, and Rollcall does not: otherwise the Argon2 hash of a password
    that was typed with spaces would reject it without them at the next sign-in.
    """

    algorithm = "wordpress_bcrypt"
    label = "WordPress bcrypt"
    pattern = re.compile(rf"wordpress_bcrypt\${BCRYPT}")

    def prepare(self, password: bytes) -> bytes:
        return base64.b64encode(hmac.digest(b"wp-sha384", password, "sha384"))
