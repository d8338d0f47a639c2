"""The text of a token: `rc_`, 32 random characters and a checksum of 6, all letters and digits.

The prefix and the checksum let secret scanners find tokens without false alarms, and let Rollcall
refuse mistyped ones without a query. docs/security.md has the regular expression for scanners.
"""

import re
import secrets
import string
from hashlib import sha256
from zlib import crc32

PREFIX = "rc_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
# 190 bits.
RANDOM_LENGTH = 32
# 62 ** 6 is above 2 ** 32.
CHECKSUM_LENGTH = 6
HINT_LENGTH = 4
TOKEN_PATTERN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{RANDOM_LENGTH + CHECKSUM_LENGTH}}}")


def new_token_text() -> str:
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    body = PREFIX + random
    return body + token_checksum(body)


def token_checksum(body: str) -> str:
    """Returns the CRC-32 of the text before the checksum, in base 62."""
    number = crc32(body.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def is_token_text(text: str) -> bool:
    """Returns whether a text has the form and the checksum of a token."""
    if TOKEN_PATTERN.fullmatch(text) is None:
        return False
    body = text[:-CHECKSUM_LENGTH]
    return token_checksum(body) == text[-CHECKSUM_LENGTH:]


def api_token_digest(text: str) -> bytes:
    """Returns what is stored of a token. Its text is random, so the digest needs no salt."""
    return sha256(text.encode("ascii")).digest()


def token_hint(text: str) -> str:
    """Returns the characters by which people tell their tokens apart."""
    end = len(text) - CHECKSUM_LENGTH
    return text[end - HINT_LENGTH : end]
