"""Django’s own hashers with limits. Argon2 is the one that new passwords are hashed with."""

import re

from django.contrib.auth import hashers

from users.passwords.cost_limits import (
    PBKDF2_ITERATIONS,
    SCRYPT_WORK,
    check_argon2,
    check_cost,
    check_scrypt,
)
from users.passwords.hashers.bounded_hasher import BASE64, NUMBER, BoundedHasher


class Argon2Hasher(BoundedHasher, hashers.Argon2PasswordHasher):
    label = "Argon2"
    pattern = re.compile(
        rf"argon2\$argon2(?:id|i|d)(?:\$v=(?:16|19))?"
        rf"\$m=(?P<memory>{NUMBER}),t=(?P<passes>{NUMBER}),p=(?P<lanes>{NUMBER})"
        rf"\${BASE64}\${BASE64}"
    )

    def check_limits(self, parts: dict[str, str]) -> None:
        numbers = {name: int(part) for name, part in parts.items()}
        check_argon2(self.label, **numbers)


class PBKDF2Hasher(BoundedHasher, hashers.PBKDF2PasswordHasher):
    label = "Django PBKDF2"
    pattern = re.compile(rf"pbkdf2_sha256\$(?P<iterations>{NUMBER})\$[^$]+\$[A-Za-z0-9+/]{{43}}=")

    def check_limits(self, parts: dict[str, str]) -> None:
        check_cost(self.label, (int(parts["iterations"]), PBKDF2_ITERATIONS))


class PBKDF2SHA1Hasher(BoundedHasher, hashers.PBKDF2SHA1PasswordHasher):
    label = "Django PBKDF2 with SHA-1"
    pattern = re.compile(rf"pbkdf2_sha1\$(?P<iterations>{NUMBER})\$[^$]+\$[A-Za-z0-9+/]{{27}}=")

    def check_limits(self, parts: dict[str, str]) -> None:
        check_cost(self.label, (int(parts["iterations"]), PBKDF2_ITERATIONS))


class ScryptHasher(BoundedHasher, hashers.ScryptPasswordHasher):
    label = "Django scrypt"
    pattern = re.compile(
        rf"scrypt\$(?P<n>{NUMBER})\$[^$]+\$(?P<r>{NUMBER})\$(?P<p>{NUMBER})"
        rf"\$[A-Za-z0-9+/]{{86}}=="
    )
    # By itself OpenSSL refuses 32 MiB, which n = 2^15 needs.
    maxmem = SCRYPT_WORK

    def check_limits(self, parts: dict[str, str]) -> None:
        numbers = {name: int(part) for name, part in parts.items()}
        check_scrypt(self.label, **numbers)
