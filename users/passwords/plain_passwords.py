"""Hashes the passwords that a file has in plain text."""

import os

from argon2.low_level import Type, hash_secret
from django.contrib.auth.hashers import make_password

from users.identifiers import password_forms
from users.passwords.exceptions import ForeignHashError

# The lowest parameters that OWASP recommends. Django’s take ten times as long and 100 MB for each
# password, too much for a file of a million. The first sign-in rehashes with Django’s.
PASSES = 5
MEMORY = 7168  # KiB
PASSWORD_MAX = 4096  # characters, as at sign-in


def hash_plain(text: str) -> str:
    """Returns the hash of a password; for an empty one, an unusable password.

    Raises ForeignHashError.
    """
    if not text:
        return make_password(None)
    if len(text) > PASSWORD_MAX:
        raise ForeignHashError(f"A password can have at most {PASSWORD_MAX} characters.")
    try:
        secret = str(password_forms(text)[0]).encode()
    except UnicodeEncodeError as error:
        raise ForeignHashError("The password has an invalid character.") from error
    data = hash_secret(
        secret,
        os.urandom(16),
        time_cost=PASSES,
        memory_cost=MEMORY,
        parallelism=1,
        hash_len=32,
        type=Type.ID,
    )
    return "argon2" + data.decode("ascii")
