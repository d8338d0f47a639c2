"""How passwords are hashed, and which ones people may choose."""

import re
from pathlib import Path

import environ
from connections import parse_number
from django.core.exceptions import ImproperlyConfigured

# The first one hashes new passwords; the others check those that were imported, once.
HASHERS = [
    "users.passwords.hashers.django_hashes.Argon2Hasher",
    "users.passwords.hashers.django_hashes.PBKDF2Hasher",
    "users.passwords.hashers.django_hashes.PBKDF2SHA1Hasher",
    "users.passwords.hashers.django_hashes.ScryptHasher",
    "users.passwords.hashers.bcrypt_hashes.BcryptSHA256Hasher",
    "users.passwords.hashers.bcrypt_hashes.BcryptHasher",
    "users.passwords.hashers.bcrypt_hashes.WordPressHasher",
    "users.passwords.hashers.pbkdf2_hashes.KeycloakPBKDF2Hasher",
    "users.passwords.hashers.pbkdf2_hashes.PHCPBKDF2Hasher",
    "users.passwords.hashers.firebase_scrypt.FirebaseScryptHasher",
    "users.passwords.hashers.phpass_hashes.PHPassHasher",
]

VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "users.signin.password_rules.LengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "users.signin.password_rules.GuessablePasswordValidator"},
    {"NAME": "users.signin.breached_passwords.BreachedPasswordValidator"},
]
# Characters of a password: of an account without back-office access, and the least and most that
# can be asked of staff.
MIN_LENGTH = 10
LENGTH_LIMITS = (8, 64)
# A line of the file of breached passwords, as Have I Been Pwned writes it.
BREACHED_LINE = re.compile(rb"[0-9A-F]{40}(:\d+)?\r?\n?")


def staff_lengths(env: environ.Env) -> tuple[int, int]:
    """Returns STAFF_PASSWORD_LENGTH and STAFF_PASSWORD_LENGTH_WITH_FACTOR. Raises
    ImproperlyConfigured.
    """
    lengths = []
    low, high = LENGTH_LIMITS
    defaults = {"STAFF_PASSWORD_LENGTH": 15, "STAFF_PASSWORD_LENGTH_WITH_FACTOR": 12}
    for name, default in defaults.items():
        number = parse_number(env.str(name, str(default)))
        if number not in range(low, high + 1):
            raise ImproperlyConfigured(f"{name} is wrong: it is a number from {low} to {high}.")
        lengths.append(int(number or 0))
    return lengths[0], lengths[1]


def breached_file(env: environ.Env) -> str:
    """Returns BREACHED_PASSWORDS_FILE, in which new passwords are looked up; "" for none. Raises
    ImproperlyConfigured unless it has sorted SHA-1 digests.
    """
    path = env.str("BREACHED_PASSWORDS_FILE", "")
    if not path:
        return ""
    try:
        lines = sample_lines(Path(path))
    except OSError as error:
        text = f"BREACHED_PASSWORDS_FILE is wrong: {path} can’t be read."
        raise ImproperlyConfigured(text) from error
    is_valid = all(BREACHED_LINE.fullmatch(line) for line in lines)
    if not lines or not is_valid or lines != sorted(lines):
        raise ImproperlyConfigured(
            f"BREACHED_PASSWORDS_FILE is wrong: {path} has no sorted lines of SHA-1 digests in "
            "capital letters, as Have I Been Pwned provides them ordered by hash."
        )
    return path


def sample_lines(path: Path) -> list[bytes]:
    """Returns lines of a file from its beginning, its middle and its end, in their order."""
    size = path.stat().st_size
    lines = []
    with path.open("rb") as file:
        for eighth in range(8):
            file.seek(size * eighth // 8)
            if eighth:
                file.readline(100)
            if line := file.readline(100):
                lines.append(line)
    return lines
